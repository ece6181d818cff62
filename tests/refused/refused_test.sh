#!/bin/bash
# What the compiler says first about each composition of a source is what the comment before it says: "// refused: TEXT",
# or "// accepted". Arguments: the source, what GCC has said.
set -euo pipefail
awk -v source="$(basename "$1")" '
  FNR == NR {
    if (sub(/^\/\/ refused: /, "")) { expected[++cases] = $0; begins[cases] = FNR }
    else if ($0 == "// accepted") { expected[++cases] = ""; begins[cases] = FNR }
    next
  }
  # GCC names the place in the source before the error, or in the same line.
  match($0, source ":[0-9]+:") { place = substr($0, RSTART + length(source) + 1) + 0 }
  / error: | fatal error: / {
    which = 0
    for (i = 1; i <= cases; ++i) if (begins[i] <= place) which = i
    if (!(which in first)) first[which] = $0
  }
  /^exit status / { status = $3 }
  END {
    if (cases == 0) { print "no case in the source"; bad = 1 }
    if (status != 1) { print "exit status of the compiler: " status; bad = 1 }
    if (0 in first) { print "not of any case: " first[0]; bad = 1 }
    for (i = 1; i <= cases; ++i) {
      want = expected[i] == "" ? "" : "error: static assertion failed: " expected[i]
      if (want == "" ? i in first : index(first[i], want) == 0) {
        print source ":" begins[i] ": expected \"" want "\"\n  and got \"" first[i] "\""
        bad = 1
      }
    }
    print cases " cases"
    exit bad
  }' "$1" "$2"
