#!/usr/bin/env bash
# What an earlier night left under NAME, into FOLDER: the newest of the last 14 that has it.
#
#     tools/artifact.sh NAME FOLDER
#
# Scheduled runs only: they are of the default branch, never of a stranger's change.
set -euo pipefail
name=$1 folder=$2

mkdir -p "$folder"
runs=$(gh run list --workflow nightly.yml --event schedule --status completed --limit 14 \
    --json databaseId --jq '.[].databaseId')
for run in $runs; do
    if gh run download "$run" --name "$name" --dir "$folder"; then exit; fi
done
echo "::warning::no earlier night left $name, so this one starts anew"
