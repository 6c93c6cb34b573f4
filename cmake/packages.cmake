# SPDX-License-Identifier: MIT
# The Python package beside the program, and what cpack makes of both.
if(NOT SKBUILD) # whose own installer puts it into the environment
    # The link python/cpsim/analysis leads to share/cpsim/analysis here as it leads to analysis/ in the source.
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/python DESTINATION ${CMAKE_INSTALL_DATADIR}/cpsim
            PATTERN "__pycache__" EXCLUDE)
endif()
