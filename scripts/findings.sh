# Sourced by the findings: a temporary folder with pinned packages, and the comparison with what was seen.

set -euo pipefail

# usage: packages NAME==VERSION… — makes `$folder` and a Python in it that has these packages; removed at the end.
packages() {
  if [ -n "${folder:-}" ]; then rm -rf "$folder"; fi
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  python3 -m venv "$folder/python"
  "$folder/python/bin/pip" install --quiet --disable-pip-version-check "$@"
  printf 'with %s\n' "$*"
}

# usage: seen EXPECTED < PROGRAM — runs the Python program on standard input; what it prints must be EXPECTED.
seen() {
  local found
  found=$("$folder/python/bin/python" - 2>"$folder/errors") || { cat "$folder/errors" >&2; exit 1; }
  printf '%s\n' "$found"
  if [ "$found" != "$1" ]; then
    printf 'this has changed; seen before:\n%s\n' "$1" >&2
    exit 1
  fi
}
