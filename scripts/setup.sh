#!/usr/bin/env bash
# Makes a Debian or Ubuntu machine ready for `make demo` and `make test`. It may be run again at any time: what is
# there is left as it is, and with everything there it changes nothing.
#
#   - a C compiler for Rust's linker            (gcc, if there is no cc)
#   - Python                                    (python3, which checks the figures of the documents)
#   - a Vulkan loader and a driver              (Mesa's software driver, if there is no driver at all)
#   - the Fashion-MNIST images                  (dataset-fashion-mnist, unless --data DIR or TILEWRIGHT_DATA says where)
#
# usage: scripts/setup.sh [--data DIR] [-- ARGUMENT…]
# What follows -- are the arguments of another program, of which only --data is heeded.
# TILEWRIGHT_NO_SETUP=1 makes it do nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

data=${TILEWRIGHT_DATA:-}
foreign=0
while [ $# -gt 0 ]; do
  case $1 in
    --data)
      [ $# -ge 2 ] || die "--data wants a directory"
      data=$2
      shift 2
      ;;
    --data=*)
      data=${1#--data=}
      shift
      ;;
    --)
      foreign=1
      shift
      ;;
    *)
      [ "$foreign" = 1 ] || die "unknown argument '$1'; usage: scripts/setup.sh [--data DIR]"
      shift
      ;;
  esac
done

if [ "${TILEWRIGHT_NO_SETUP:-0}" = 1 ]; then
  say "TILEWRIGHT_NO_SETUP=1: nothing is looked at or installed"
  exit 0
fi

# --- Rust and its linker ---------------------------------------------------------------------------------------------

check_rust() {
  have cargo || die "there is no cargo; install Rust 1.88 or later (https://rustup.rs), then start again"
  have cc || apt_install gcc libc6-dev
}

# --- Python ----------------------------------------------------------------------------------------------------------

check_python() { have python3 || apt_install python3; }

# --- Vulkan ----------------------------------------------------------------------------------------------------------

# Here and below nothing is piped into `grep -q` or `head`: they leave early, and pipefail would make that a failure.
libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true)

loader_present() { [[ $libraries == *libvulkan.so.1* ]]; }

# Whether a driver's manifest names a library that is there; a manifest may outlive its driver.
manifest_works() {
  local library
  library=$(sed -n 's/.*"library_path"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$1")
  case $library in
    '') return 1 ;;
    /*) [ -e "$library" ] ;;
    */*) [ -e "$(dirname "$1")/$library" ] ;;
    *) [[ $libraries == *"$library"* ]] ;;
  esac
}

# Whether one of the given device files is there; an unmatched pattern stays a pattern, which is no file.
any_device() {
  local file
  for file in "$@"; do [ -e "$file" ] && return 0; done
  return 1
}

# Prints the manifest of a driver that can be expected to show an adapter: a software driver always, a hardware driver
# where there is hardware.
find_driver() {
  local manifest
  for manifest in /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json /usr/local/share/vulkan/icd.d/*.json; do
    [ -e "$manifest" ] || continue
    case ${manifest##*/} in
      lvp_* | *swiftshader*) ;;
      nvidia_*) any_device /dev/nvidiactl /dev/dxg || continue ;;
      *) any_device /dev/dri/renderD* /dev/dxg || continue ;;
    esac
    if manifest_works "$manifest"; then
      printf '%s\n' "$manifest"
      return 0
    fi
  done
  return 1
}

# Prints "URI keyring" of each source that gives Debian's release $1, the keyring empty if the source names none.
debian_sources() {
  local file
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] || continue
    awk -v release="$1" '
      function close_stanza() {
        if (suite && main && uri != "" && enabled) { print uri, keyring; found = 1; exit }
        suite = main = 0; enabled = 1; uri = keyring = ""
      }
      BEGIN { enabled = 1 }
      /^[[:space:]]*$/ { close_stanza() }
      tolower($1) == "uris:" { uri = $2 }
      tolower($1) == "suites:" { for (i = 2; i <= NF; i++) if ($i == release) suite = 1 }
      tolower($1) == "components:" { for (i = 2; i <= NF; i++) if ($i == "main") main = 1 }
      tolower($1) == "signed-by:" { keyring = $2 }
      tolower($1) == "enabled:" && tolower($2) == "no" { enabled = 0 }
      END { if (!found) close_stanza() }
    ' "$file"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -e "$file" ] || continue
    awk -v release="$1" '
      $1 == "deb" {
        keyring = ""; at = 2
        if ($2 ~ /^\[/) {
          while (at <= NF) {
            if (match($at, /signed-by=[^]]+/)) keyring = substr($at, RSTART + 10, RLENGTH - 10)
            if ($at ~ /\]$/) break
            at++
          }
          at++
        }
        if ($(at + 1) == release) for (i = at + 2; i <= NF; i++) if ($i == "main") { print $at, keyring; exit }
      }
    ' "$file"
  done
}

suite_known() { [[ $(apt-cache policy) == *"n=$1,"* ]]; }

# Debian 12's own Mesa is about half as quick as the one in its backports: makes those known to apt, if they can be had.
enable_backports() {
  local suite=$1-backports sources uri keyring file=/etc/apt/sources.list.d/tilewright-backports.list
  suite_known "$suite" && return 0
  sources=$(debian_sources "$1")
  read -r uri keyring <<<"$sources"
  [ -n "${uri:-}" ] || return 1
  say "enabling $suite in $file"
  printf 'deb %s%s %s main\n' "${keyring:+[signed-by=$keyring] }" "$uri" "$suite" | as_root tee "$file" >/dev/null
  if ! apt update || ! suite_known "$suite"; then
    say "$suite cannot be had from this mirror; going on without it"
    as_root rm -f "$file"
    apt update || true
    return 1
  fi
}

install_software_vulkan() {
  local id='' codename=''
  # shellcheck disable=SC1091
  [ -r /etc/os-release ] && . /etc/os-release && id=${ID:-} codename=${VERSION_CODENAME:-}
  apt_update
  if [ "$id" = debian ] && [ "$codename" = bookworm ] && enable_backports bookworm; then
    say "installing libvulkan1 and mesa-vulkan-drivers from bookworm-backports"
    apt install -y --no-install-recommends -t bookworm-backports libvulkan1 mesa-vulkan-drivers && return 0
    say "that failed (see above); taking the distribution's own"
  fi
  apt_install libvulkan1 mesa-vulkan-drivers
}

check_vulkan() {
  if [ "$(uname -s)" != Linux ]; then
    say "not Linux: Metal or DirectX 12 needs no setup"
    return 0
  fi
  local driver
  if [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && loader_present; then
    say "Vulkan: the driver that VK_DRIVER_FILES names"
  elif loader_present && driver=$(find_driver); then
    say "Vulkan: found $driver"
  else
    have apt-get || die "there is no Vulkan driver and no apt-get; install your distribution's Vulkan loader and Mesa's lavapipe driver"
    install_software_vulkan
    libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true)
    driver=$(find_driver) || die "Mesa is installed but shows no Vulkan driver in /usr/share/vulkan/icd.d; is it complete? try: apt-get install --reinstall mesa-vulkan-drivers"
    say "Vulkan: installed $driver"
  fi
}

# --- The images ------------------------------------------------------------------------------------------------------

# Whether directory $1 holds file $2 (as name stem) in one of the spellings that the reader takes; $3 is idx3 or idx1.
holds() {
  local separator ending
  for separator in - .; do
    for ending in '' .gz; do
      [ -f "$1/$2$separator$3-ubyte$ending" ] && return 0
    done
  done
  return 1
}

holds_all() {
  local half
  for half in train t10k; do
    holds "$1" "$half-images" idx3 && holds "$1" "$half-labels" idx1 || return 1
  done
}

check_data() {
  local system=/usr/share/datasets/fashion-mnist
  if [ -n "$data" ]; then
    holds_all "$data" || die "$data does not hold the four files (train|t10k)-(images-idx3|labels-idx1)-ubyte[.gz]"
    say "images: found in $data"
  elif holds_all "$system"; then
    say "images: found in $system"
  else
    apt_install dataset-fashion-mnist
    holds_all "$system" || die "dataset-fashion-mnist is installed but $system lacks files; try: apt-get install --reinstall dataset-fashion-mnist"
    say "images: installed in $system"
  fi
}

check_rust
check_python
check_vulkan
check_data
