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
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
for package in "${packages[@]}"; do
  echo "installing $package for the tests" >&2
  apt-get install -qq -y --no-install-recommends "$package" >/dev/null ||
    echo "$package cannot be installed; the tests that need it are skipped, or fail where they may not be" >&2
done
