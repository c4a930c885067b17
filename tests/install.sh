#!/usr/bin/env bash
# Installs on Debian or Ubuntu what tests start: Slurm and munge, LaTeX. Needs root. Does nothing where they are.
set -euo pipefail

packages=()
command -v slurmctld slurmd sbatch munged >/dev/null || packages+=(slurm-wlm munge)
command -v pdflatex >/dev/null || packages+=(texlive-latex-recommended)
if [[ ${#packages[@]} == 0 ]]; then
  exit 0
fi
if [[ "$(id -u)" != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "${packages[*]} cannot be installed: that takes root and apt-get; the tests that need them are skipped" >&2
  exit 0
fi
echo "installing ${packages[*]} for the tests" >&2
export DEBIAN_FRONTEND=noninteractive
{
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends "${packages[@]}"
} >/dev/null
