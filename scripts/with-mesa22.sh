#!/usr/bin/env bash
# Runs a command on Debian 12's own Mesa (22.3), whatever Mesa is installed. The driver is unpacked under target/ and
# nothing is installed but the LLVM that it needs.
#
# usage: scripts/with-mesa22.sh COMMAND [ARGUMENT…]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$root/scripts/lib.sh"

[ $# -gt 0 ] || die "which command? usage: scripts/with-mesa22.sh COMMAND [ARGUMENT…]"

place=$root/target/mesa22
manifest=$place/lvp.json

driver_library() { find "$place/usr/lib" -name libvulkan_lvp.so -print -quit 2>/dev/null; }

fetch() {
  have apt-get || die "needs Debian 12's packages, and this machine has no apt-get"
  apt_update
  local version
  version=$(apt-cache madison mesa-vulkan-drivers | awk -F '|' '{ gsub(/ /, "", $2); if ($2 ~ /^22\./ && !found) { print $2; found = 1 } }')
  [ -n "$version" ] || die "apt knows no Mesa 22 here; this needs Debian 12 (bookworm) with its own sources enabled"
  say "fetching mesa-vulkan-drivers $version into target/mesa22"
  rm -rf "$place"
  mkdir -p "$place"
  (cd "$place" && apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User=root download "mesa-vulkan-drivers=$version") ||
    die "could not download mesa-vulkan-drivers $version (see above)"
  dpkg -x "$place"/mesa-vulkan-drivers_*.deb "$place"
  rm -f "$place"/mesa-vulkan-drivers_*.deb
  [ -n "$(driver_library)" ] || die "the package holds no libvulkan_lvp.so"
}

[ -n "$(driver_library)" ] || fetch
library=$(driver_library)

# The package is only unpacked, so what it depends on (its LLVM first of all) may be missing.
missing_libraries() { ldd "$library" | awk '/not found/ { print $1 }' | tr '\n' ' '; }
if [ -n "$(missing_libraries)" ]; then
  apt_install libllvm15 libvulkan1 libdrm2 libelf1 libxcb-dri3-0 libxcb-present0 libxcb-randr0 libxcb-shm0 libxcb-sync1 \
    libxcb-xfixes0 libx11-xcb1 libxshmfence1 libwayland-client0 libzstd1 libexpat1
  missing=$(missing_libraries)
  [ -z "$missing" ] || die "the driver needs libraries that are not there: $missing"
fi

# The path must be absolute, so the manifest is written for where the checkout is now.
temporary=$(mktemp "$place/lvp.json.XXXXXX")
printf '{ "file_format_version": "1.0.0", "ICD": { "library_path": "%s", "api_version": "1.3.230" } }\n' "$library" >"$temporary"
chmod 644 "$temporary"
mv -f "$temporary" "$manifest"

export VK_DRIVER_FILES=$manifest VK_ICD_FILENAMES=$manifest
exec "$@"
