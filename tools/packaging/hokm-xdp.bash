# SPDX-License-Identifier: GPL-2.0-only
# bash completion of hokm-xdp: the program itself says what may follow.

_hokm_xdp() {
	local word=${COMP_WORDS[COMP_CWORD]} words w
	mapfile -t words < <("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	COMPREPLY=()
	for w in "${words[@]}"; do
		[[ $w != :files && $w == "$word"* ]] && COMPREPLY+=("$w")
	done
	if [[ " ${words[*]} " == *" :files "* ]]; then
		compopt -o filenames
		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -F _hokm_xdp hokm-xdp
