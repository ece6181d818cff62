#!/bin/bash
# README's first program prints what README's first output block says, and is examples/hello.cc.
# Arguments: README, the program built from it, hello.cc, the program's source.
set -euo pipefail
readme=$1 program=$2 hello=$3 source=$4
claimed=$(awk '/^```text/ {on = 1; next} /^```/ {if (on) exit} on' "$readme")
printed=$("$program")
[[ -n $claimed ]] || { echo "README has no output block"; exit 1; }
diff <(echo "$claimed") <(echo "$printed") || { echo "README claims what its program does not print"; exit 1; }
diff "$hello" "$source" || { echo "README's program is not examples/hello.cc"; exit 1; }
