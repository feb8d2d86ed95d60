#!/usr/bin/env bash
# The invoice of the generated year as FOCUS 1.2 rows, under every rule of the FinOps Foundation's own validator.
#
# Not part of check.sh: it needs Python 3.12 or newer and installs the validator into target/focus. It fails on any rule
# outside the defects of the validator's bundled rules: InvoiceId-C-004 asks for the opposite of C-005, and the
# condition of CommitmentDiscountStatus-C-004 and of CapacityReservationStatus-C-004 is inverted. A rule
# that only adds up others fails with its parts and is not counted again.
set -euo pipefail
cd "$(dirname "$0")/../.."
known='(InvoiceId|CommitmentDiscountStatus|CapacityReservationStatus)-C-004'
root=$PWD/target/focus
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 12) and "Python 3.12 or newer is needed; name one in $PYTHON")'
"$python" -m venv "$root"
"$root/bin/pip" install --quiet --requirement tests/focus/requirements.txt
cargo run --quiet -- --config testdata/dayrate.toml report focus as_of=2026-01-01 --format parquet -o "$root/focus.parquet"
# The bundled rules are found from the folder that the packages are in.
cd "$("$root/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
for criteria in '' ALL; do
    "$root/bin/focus-validator" --data-file "$root/focus.parquet" --validate-version 1.2 --block-download \
        ${criteria:+--applicability-criteria "$criteria"} >"$root/answer${criteria:+-$criteria}.txt"
    grep '^Total:' "$root/answer${criteria:+-$criteria}.txt"
    failed=$(grep '^- .*: violations=' "$root/answer${criteria:+-$criteria}.txt" | grep -v 'failed child rules:' || true)
    unexpected=$(grep -vE "^- $known" <<<"$failed" || true)
    if [ -n "$unexpected" ]; then
        printf 'rules that fail:\n%s\n' "$unexpected"
        exit 1
    fi
done
