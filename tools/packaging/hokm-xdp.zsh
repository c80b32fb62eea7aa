#compdef hokm-xdp
# SPDX-License-Identifier: GPL-2.0-only
# zsh completion of hokm-xdp: the program itself says what may follow.

local -a found
found=("${(@f)$(${words[1]} complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
compadd -- ${found:#:files}
(( ${found[(Ie):files]} )) && _files
