#!/bin/sh
# A bot that reads lines: says what it hears, and does what some words ask for.
while IFS= read -r line; do
	case "${line#*: }" in
	silent*) ;;
	die*) echo "I die" >&2; exit 3 ;;
	bye*) exit 0 ;;
	orphan*) setsid sleep 1000 & echo "pid $!" ;;
	flood*) yes | head -n 2000 ;;
	*) printf 'heard %s\n' "$line" ;;
	esac
done
