# bash completion for chat-client. Made by `make generate`.
_chat-client() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	case $before in
	--key | -i)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--as)
		mapfile -t COMPREPLY < <(compgen -W 'message notice alert me' -- "$word")
		return
		;;
	--notify)
		mapfile -t COMPREPLY < <(compgen -W 'off bell osc9 osc777 command' -- "$word")
		return
		;;
	--port | -p | --room | -r | --fingerprint | --batch | --wait-reply | --device | --id-prefix | --since | --notify-command)
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W '--key --port --room --fingerprint --tls --insecure --send --batch --code --as --wait-reply --device --id-prefix --follow --since --json --once --plain --notify --notify-command --ping --version --help' -- "$word")
}
complete -o filenames -F _chat-client chat-client
