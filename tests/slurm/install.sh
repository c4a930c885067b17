#!/usr/bin/env bash
# Installs Slurm and munge on Debian or Ubuntu, for the tests of tests/slurm; needs root. Does nothing where they are.
set -euo pipefail

if command -v slurmctld slurmd sbatch munged >/dev/null; then
  exit 0
fi
if [[ "$(id -u)" != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "Slurm is not installed, and cannot be: that takes root and apt-get; its tests are skipped" >&2
  exit 0
fi
echo "installing Slurm for its tests" >&2
export DEBIAN_FRONTEND=noninteractive
{
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends slurm-wlm munge
} >/dev/null
