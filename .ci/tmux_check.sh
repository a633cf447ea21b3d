#!/usr/bin/env bash
# Practice mode as an engineer sees it: in tmux, at 80x24, typed, resized, left.
set -euo pipefail
session="tenantop-check-$$"
trap 'tmux kill-session -t "$session" 2>/dev/null || true' EXIT
screen() { tmux capture-pane -p -t "$session"; }
until_shown() {
    for _ in $(seq 1 300); do
        if screen | grep -qF -- "$1"; then return 0; fi
        sleep 0.1
    done
    echo "never shown: $1" >&2
    screen >&2
    exit 1
}
tmux new-session -d -s "$session" -x 80 -y 24 "target/debug/tenantop-sim; echo left with \$?; exec cat"
until_shown "show: problems"
until_shown "PRACTICE"
tmux send-keys -t "$session" / woodgrove Enter
until_shown "filter /woodgrove"
tmux send-keys -t "$session" Enter
until_shown "Who acts: CUSTOMER"
tmux resize-window -t "$session" -x 120 -y 35
until_shown "who acts    customer"
tmux send-keys -t "$session" r
until_shown "Re-run Woodgrove Bank now?"
sleep 0.5
tmux send-keys -t "$session" y
until_shown "1 of 1 done"
tmux send-keys -t "$session" C-c
until_shown "left with 0"
echo "tmux: typed, resized, re-run, left"
