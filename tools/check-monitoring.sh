#!/bin/bash
# Holds what a real server tells against Prometheus' own reader, and the alert rules and the Grafana
# dashboard against what the server tells.
#	tools/check-monitoring.sh BUILD
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=$1
rules=packaging/prometheus
dashboard=packaging/grafana/roomkey.json
work=$(mktemp -d)
server=
failed=0

finish() {
	[ -z "$server" ] || { kill "$server" && wait "$server"; }
	rm -rf "$work"
}
trap finish EXIT
step() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		printf '  ok       %s\n' "$what"
	else
		sed 's/^/           /' "$work/said" | tail -n 30
		printf '  FAILED   %s\n' "$what"
		failed=$((failed + 1))
	fi
}

# ---- a server, and its numbers
: >"$work/keys"
"$build/chat-master" --port 0 --port-file "$work/port" --workers 2 --state-dir "$work/state" \
	--instance "monitoring-$$" --authorized-keys "$work/keys" --metrics-listen 127.0.0.1:0 \
	--log-format text >"$work/log" 2>&1 &
server=$!
for _ in $(seq 600); do
	[ -s "$work/port" ] && break
	kill -0 "$server" 2>/dev/null || { cat "$work/log"; exit 1; }
	sleep 0.05
done
address=$(sed -n 's/.* metrics listen=\([0-9.]*:[0-9]*\).*/\1/p' "$work/log")
[ -n "$address" ] || { cat "$work/log"; exit 1; }
exec 3<>"/dev/tcp/${address%:*}/${address##*:}" || exit 1
printf 'GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n' "$address" >&3
sed '1,/^\r$/d' <&3 >"$work/metrics"
exec 3>&-

# ---- each name that is asked for is told
told() {
	sed -n 's/^# TYPE \([a-z_]*\) histogram$/\1_bucket\n\1_sum\n\1_count/p; s/^# TYPE \([a-z_]*\) .*/\1/p' "$work/metrics"
}
names_exist() { # FILE...
	local missing
	missing=$(grep -ohE '\broomkey_[a-z_]+' "$@" | sort -u | comm -23 - <(told | sort -u))
	[ -z "$missing" ] || { printf 'no such metric: %s\n' $missing; return 1; }
	grep -qE 'roomkey_' "$@"
}
all_names() {
	[ "$(told | wc -l)" -ge 50 ] || { echo "only $(told | wc -l) names"; return 1; }
	# Each told once.
	[ -z "$(sed -n 's/^# TYPE \([a-z_]*\).*/\1/p' "$work/metrics" | sort | uniq -d)" ]
}
alerts_explained() {
	local alert missing=0
	for alert in $(sed -n 's/.*- alert: //p' $rules/alerts.yml); do
		grep -q "^### $alert\$" docs/operations.md || { echo "docs/operations.md lacks $alert"; missing=1; }
	done
	return $missing
}

step "the server tells its numbers" all_names
step "the alert rules ask for what is told" names_exist $rules/alerts.yml
step "the dashboard asks for what is told" names_exist $dashboard
step "each alert is explained" alerts_explained

# ---- Prometheus' own reader, where it can be had
promtool=$(command -v promtool || true)
if [ -z "$promtool" ] && tools/unpack.sh "$build/unpacked" prometheus 2>"$work/why"; then
	promtool=$build/unpacked/usr/bin/promtool
fi
if [ -n "$promtool" ]; then
	step "promtool check metrics" "$promtool" check metrics <"$work/metrics"
	step "promtool check rules" "$promtool" check rules $rules/alerts.yml
	step "promtool check config" "$promtool" check config --syntax-only $rules/prometheus.yml
	step "promtool test rules" "$promtool" test rules $rules/alerts_test.yml
else
	printf '  SKIPPED: promtool: %s\n' "$(tail -n 1 "$work/why")"
fi
[ "$failed" = 0 ]
