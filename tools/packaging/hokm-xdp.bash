# SPDX-License-Identifier: GPL-2.0-only
# bash completion of hokm-xdp. The words come from the program itself: commands from --help, those
# of ctl and their options from `ctl --words`.

# The command of ctl on the line so far, if there is one. Options and their values are skipped.
_hokm_xdp_ctl_command() {
	local i known
	known=" $(hokm-xdp ctl --words 2>/dev/null | tr '\n' ' ') "
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c | -s | -n | --config | --socket | --node) ((i++)) ;;
		-*) ;;
		*)
			[[ $known == *" ${COMP_WORDS[i]} "* ]] && echo "${COMP_WORDS[i]}"
			return
			;;
		esac
	done
}

_hokm_xdp() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command words
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words=$(hokm-xdp --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')
	else
		case $before in
		-c | -s | --config | --socket | check-config)
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			return
			;;
		log-level) words='error warn info debug' ;;
		*)
			[[ ${COMP_WORDS[1]} == ctl ]] || return
			command=$(_hokm_xdp_ctl_command)
			words=$(hokm-xdp ctl --words ${command:+"$command"} 2>/dev/null)
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _hokm_xdp hokm-xdp
