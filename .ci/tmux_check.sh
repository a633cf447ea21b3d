#!/usr/bin/env bash
# Practice mode as an engineer sees it in tmux, with tmux's own defaults: typed, torn, resized, copied, detached, left.
# A second tmux holds the first one's client, so that keys go the way that an engineer's go.
set -euo pipefail
program="$(pwd)/target/debug/tenantop-sim"
place="$(mktemp -d)"
inner() { tmux -L "tenantop-inner-$$" -f /dev/null "$@"; }
outer() { tmux -L "tenantop-outer-$$" -f /dev/null "$@"; }
tidy() {
    inner kill-server 2>/dev/null || true
    outer kill-server 2>/dev/null || true
    rm -rf "$place"
}
trap tidy EXIT
say() { printf 'tmux: %s\n' "$*"; }
fail() {
    echo "$1" >&2
    inner capture-pane -p -t main >&2 || true
    exit 1
}
screen() { inner capture-pane -p -t main; }
# What the engineer's own terminal shows.
seen() { outer capture-pane -p -t desk; }
state() { inner display-message -p -t main "$1"; }
is() { [ "$(state "$1")" = "$2" ] || fail "$1 is $(state "$1"), not $2"; }
until_true() {
    local what="$1"
    shift
    for _ in $(seq 1 900); do
        if "$@"; then return 0; fi
        sleep 0.1
    done
    fail "never: $what"
}
shows() { screen | grep -qF -- "$1"; }
until_shown() { until_true "$1" shows "$1"; }
key() { outer send-keys -t desk "$@"; }
# A process that nobody reaps is gone too.
gone() { ! grep -q "^State:[[:space:]]*[^Z[:space:]]" "/proc/$1/status" 2>/dev/null; }

begin="TMPDIR=$place $program; echo left with \$?; exec cat"
inner new-session -d -s main -x 80 -y 24 "$begin"
inner set-option -g status off
inner set-option -g set-clipboard on
inner new-session -d -s other -x 80 -y 24 "$begin"
outer new-session -d -s desk -x 80 -y 24 "TMUX= tmux -L tenantop-inner-$$ attach -t main"
outer set-option -g status off
escape_time="$(inner show-options -gv escape-time)"

until_shown "show: problems"
until_shown "PRACTICE"
is '#{alternate_on}#{cursor_flag}#{mouse_any_flag}' 100
key / woodgrove Enter
until_shown "filter /woodgrove"
key '\'
until_shown "show: problems"
say "typed"

# Esc goes through the client, which holds it for $escape_time ms; what comes within that is one key.
row() { screen | grep -n '^>' | cut -d: -f1; }
first="$(row)"
moved() { [ "$(row)" = "$((first + 1))" ]; }
outer send-keys -t desk -l $'\e'
sleep 0.005
outer send-keys -t desk -l '[B'
until_true "an arrow that was torn apart moves the cursor" moved
! shows "does nothing here" || fail "the rest of a sequence was read as letters"
key Enter
until_true "a tenant is open" eval 'screen | head -1 | grep -q Why'
began="$(date +%s%N)"
key Escape
until_shown "show: problems"
say "an arrow in two pieces is an arrow; Esc went back after $((($(date +%s%N) - began) / 1000000)) ms," \
    "$escape_time of them held by tmux"
key Up

# The window, and the terminal around it.
for size in 120x35 60x15 59x15 20x5 1x1 200x60 80x24; do
    inner resize-window -t main -x "${size%x*}" -y "${size#*x}"
    case "$size" in
        1x1 | 20x5) sleep 0.3 ;;
        59x15) until_shown "needs 60x15" ;;
        *) until_true "drawn at $size" eval 'screen | tail -1 | grep -q "? keys"' ;;
    esac
done
inner set-option -t main window-size latest
outer resize-window -t desk -x 120 -y 35
until_true "the window follows the terminal" eval '[ "$(state "#{window_width}x#{window_height}")" = 120x35 ]'
until_shown "w hide pane"
outer resize-window -t desk -x 80 -y 24
until_true "and back" eval '! shows "w hide pane" && shows "show: problems"'
say "resized"

key / woodgrove Enter
until_shown "filter /woodgrove"
key y
until_shown "tenant id"
key i
until_shown "sent to your terminal: tenant id"
copied() { inner show-buffer 2>/dev/null | grep -qE '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'; }
until_true "tmux has the tenant id" copied
id="$(inner show-buffer)"
key Enter
until_true "a tenant is open" eval 'screen | head -1 | grep -q Why'
key y i
until_true "the same id" eval '[ "$(inner show-buffer)" = "$id" ]'
key Escape
until_shown "filter /woodgrove"
say "copied $id"

same() { [ "$(seen)" = "$(screen)" ]; }
until_true "the terminal shows what the console drew" same
inner detach-client -s main
until_true "detached" eval '[ -z "$(inner list-clients -t main)" ]'
inner send-keys -t main Enter
until_true "it goes on without a terminal" eval 'screen | head -1 | grep -q Why'
outer kill-server 2>/dev/null || true
until_true "the terminal is closed" eval '! outer list-sessions >/dev/null 2>&1'
outer new-session -d -s desk -x 100 -y 30 "TMUX= tmux -L tenantop-inner-$$ attach -t main"
outer set-option -g status off
outer set-option -t desk window-size manual
until_true "the window follows the new terminal" eval '[ "$(state "#{window_width}x#{window_height}")" = 100x30 ]'
until_true "all of it is there after attaching" same
screen | head -1 | grep -q Why || fail "the open tenant is still there"
say "detached and attached"

key r
until_shown "Re-run Woodgrove Bank now?"
sleep 0.5
key y
until_shown "1 of 1 done"
key C-c
until_shown "left with 0"
is '#{alternate_on}#{cursor_flag}#{mouse_any_flag}' 010
is '#{scroll_region_upper}-#{scroll_region_lower}' "0-$(($(state '#{pane_height}') - 1))"
is '#{history_size}' 0
! shows "Re-run: 1 tenant" || fail "what the console showed is still there"
say "re-run, left by Ctrl-C, the terminal as before"

# The session is killed while it draws.
until_true "the other console is open" eval 'inner capture-pane -p -t other | grep -qF "show: problems"'
shell="$(inner display-message -p -t other '#{pane_pid}')"
console="$(cut -d" " -f1 "/proc/$shell/task/$shell/children")"
(for _ in $(seq 1 200); do inner send-keys -t other u j 2>/dev/null || exit 0; done) &
typist="$!"
sleep 0.3
inner kill-session -t other
for _ in $(seq 1 10); do
    if gone "$console"; then break; fi
    sleep 0.1
done
gone "$console" || fail "the console $console outlives its session by a second"
wait "$typist"
[ -z "$(ls -A "$place")" ] || fail "something is left behind: $(ls "$place")"
say "killed while it drew: the process is gone, nothing is left behind"
