#!/usr/bin/env bash
# One issue for each failure that no night before had: FOLDER is what `stress gather` wrote.
#
#     tools/issues.sh FOLDER
#
# A failure is known by its fingerprint, which is in the title: a night that is run again, or a
# folder that was lost, opens no second issue.
set -euo pipefail

for body in "$1"/new/*.md; do
    [ -e "$body" ] || break
    fingerprint=$(basename "$body" .md)
    known=$(gh issue list --state all --search "$fingerprint in:title" --json number --jq '.[].number')
    if [ -n "$known" ]; then
        echo "$fingerprint has issue #$known"
        continue
    fi
    gh issue create --title "$(cat "${body%.md}.title")" --body-file "$body"
done
