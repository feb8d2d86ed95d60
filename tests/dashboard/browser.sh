#!/usr/bin/env bash
# The dashboard in a real browser: nothing on the console, nothing wider than the window, and pictures of it in both
# themes and two widths, in target/dashboard, for people to look at.
#
# Part of check.sh. Installs Chromium where it is missing and that is possible (apt, as root); where it is not, it says so
# and checks nothing, unless DAYRATE_BROWSER=required.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD/target/dashboard
tool=${DAYRATE:-$PWD/target/debug/dayrate}

browser=$(command -v "${CHROMIUM:-chromium}" || command -v google-chrome || true)
if [ -z "$browser" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    (apt-get update && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core) >/dev/null 2>&1 || true
    browser=$(command -v chromium || true)
fi
if [ -z "$browser" ]; then
    echo "dashboard: no browser is here and none can be installed; the pages are not looked at (name one in \$CHROMIUM)" >&2
    [ "${DAYRATE_BROWSER:-}" != required ]
    exit
fi
[ -x "$tool" ] || cargo build --quiet

rm -rf "$root"
mkdir -p "$root"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
# open PAGE OPTION… : what the page says on the console goes to $root/console.txt
open() {
    local page=$1
    shift
    timeout 30 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --allow-file-access-from-files --enable-logging=stderr \
        --user-data-dir="$profile" "$@" "file://$page" 2>"$root/said.txt"
    grep CONSOLE "$root/said.txt" >"$root/console.txt" || true
}
fail() {
    printf 'dashboard: %s\n' "$@" >&2
    exit 1
}
# A frame of a phone's width around a page: a browser's own window cannot be so narrow. Its title says how wide the page is.
frame() {
    cat >"$root/frame.html" <<HTML
<!DOCTYPE html><html><body style="margin:0"><iframe id="f" src="$1" style="border:0;width:$2px;height:$3px"></iframe>
<script>onload = () => { document.title = "wide " + f.contentDocument.documentElement.scrollWidth }</script></body></html>
HTML
}

# A page that breaks the rules must be noticed, or this check would see nothing at all.
sed 's|</main>|<script>alert(1)</script><img src="http://127.0.0.1:9/x.png" /></main>|' >"$root/bad.html" <<'HTML'
<!DOCTYPE html><html><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'" /></head><body><main></main></body></html>
HTML
open "$root/bad.html" --dump-dom >/dev/null
[ -s "$root/console.txt" ] || fail "the console of a bad page is silent: the check itself is broken"

config=(--config testdata/dayrate.toml dashboard --as-of 2025-10-01)
"$tool" "${config[@]}" -o "$root/all.html"
"$tool" "${config[@]}" --org org-048 -o "$root/one.html"
for page in all one; do
    for width in 390 1280; do
        frame "$page.html" "$width" 9000
        open "$root/frame.html" --window-size="1300,900" --dump-dom >"$root/dom.txt"
        grep -q "<title>wide $width</title>" "$root/dom.txt" ||
            fail "$page.html is wider than a window of $width: $(grep -o 'wide [0-9]*' "$root/dom.txt" | tail -1)"
        # The numbers are those of the browser's own setting: 0 is dark, 1 is light.
        for theme in dark=0 light=1; do
            open "$root/frame.html" --window-size="$width,9000" --blink-settings=preferredColorScheme="${theme#*=}" \
                --screenshot="$root/$page-$width-${theme%=*}.png"
            [ -s "$root/console.txt" ] && fail "$page.html speaks on the console:" "$(cat "$root/console.txt")"
        done
    done
done
echo "dashboard: 8 pictures in target/dashboard, nothing on the console"
