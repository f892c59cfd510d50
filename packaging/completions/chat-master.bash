# bash completion for chat-master. Made by `make generate`.
_chat-master() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	case $before in
	--port-file | --tls-cert | --tls-key | --authorized-keys | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--state-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	--log-format)
		mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$word")
		return
		;;
	--log-level)
		mapfile -t COMPREPLY < <(compgen -W 'error warn info debug' -- "$word")
		return
		;;
	--host | --port | --server-name | --workers | --metrics-listen | --trusted-proxy | --names-per-key | --max-keys | --user | --instance | --stats-interval | --max-users | --max-devices | --max-connections | --max-rooms | --room-bytes | --room-lines | --max-penalties | --max-worker-memory | --max-frame | --max-line | --max-content | --rate | --burst | --max-connections-per-user | --max-connections-per-address | --max-pending-logins | --max-startups | --penalty-after | --penalty-auth-failed | --penalty-auth-timeout | --penalty-max | --max-rooms-per-user | --room-capacity | --presence-limit | --login-timeout | --idle-timeout | --ping-interval | --slow-timeout)
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W '--host --port --port-file --server-name --workers --metrics-listen --tls-cert --tls-key --insecure-plain --trusted-proxy --authorized-keys --names-per-key --max-keys --user --state-dir --instance --log-format --log-level --stats-interval --max-users --max-devices --max-connections --max-rooms --room-bytes --room-lines --max-penalties --max-worker-memory --max-frame --max-line --max-content --rate --burst --max-connections-per-user --max-connections-per-address --max-pending-logins --max-startups --penalty-after --penalty-auth-failed --penalty-auth-timeout --penalty-max --max-rooms-per-user --room-capacity --presence-limit --login-timeout --idle-timeout --ping-interval --slow-timeout --config --check-config --print-config --fingerprint --version --help' -- "$word")
}
complete -o filenames -F _chat-master chat-master
