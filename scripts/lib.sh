# Helpers for the scripts beside this file; to be sourced by bash, not run.
# shellcheck shell=bash

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

die() {
  printf '%s: error: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or through sudo. `apt` below says so where there is neither.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# Runs apt-get without questions and without noise; shows its words only when it fails.
apt() {
  have apt-get || die "this machine has no apt-get; do by hand what it was to do: apt-get $*"
  # Asked here, where the answer is not lost in the log.
  [ "$(id -u)" -eq 0 ] || have sudo || die "needs root for: apt-get $* — run that as root (or install sudo), then start again"
  local log
  log=$(mktemp)
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" \
    >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# Refreshes the lists of packages, once per run of the script.
apt_updated=0
apt_update() {
  [ "$apt_updated" = 1 ] && return 0
  say "refreshing the lists of packages (apt-get update)"
  apt update || die "apt-get update failed (see above): is the network there, are the sources in /etc/apt right?"
  apt_updated=1
}

# Installs packages, those that are missing.
apt_install() {
  apt_update
  say "installing $*"
  apt install -y --no-install-recommends "$@" ||
    die "could not install $* (see above); try by hand: apt-get install $*"
}
