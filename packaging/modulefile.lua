-- SPDX-License-Identifier: MIT
-- cpsim for Lmod, installed as PREFIX/share/modulefiles/cpsim/VERSION.lua; the prefix is found from the file's own place.
local prefix = myFileName():match("^(.*)/share/modulefiles/")
whatis("cpsim: a discrete-event simulator of large language models on GPU clusters")
prepend_path("PATH", pathJoin(prefix, "bin"))
prepend_path("MANPATH", pathJoin(prefix, "share/man"))
prepend_path("PYTHONPATH", pathJoin(prefix, "share/cpsim/python"))
