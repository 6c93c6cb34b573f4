# SPDX-License-Identifier: MIT
# The Python package beside the program, and what cpack makes of both.
if(NOT SKBUILD) # whose own installer puts it into the environment
    # The link python/cpsim/analysis leads to share/cpsim/analysis here as it leads to analysis/ in the source.
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/python DESTINATION ${CMAKE_INSTALL_DATADIR}/cpsim
            PATTERN "__pycache__" EXCLUDE)
endif()

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/cpsim RENAME copyright)
install(FILES CHANGELOG.md CITATION.cff DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/cpsim)
# For `module load`: `module use PREFIX/share/modulefiles`.
install(FILES packaging/modulefile.lua DESTINATION ${CMAKE_INSTALL_DATADIR}/modulefiles/cpsim RENAME ${PROJECT_VERSION}.lua)

# `cpack -G DEB` in a build folder: a package for the Debian or Ubuntu that it was built on. `cpack -G TGZ`: a folder to unpack.
set(CPACK_PACKAGE_VENDOR "cpsim")
set(CPACK_PACKAGE_CONTACT "the cpsim authors <cpsim@localhost>")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON) # needs dpkg-dev
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3, python3-h5py, python3-matplotlib, python3-pandas")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion, python3-nbclient")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "How long would it take, what would it cost, and why: time to first token,
throughput, memory, energy and money of training and serving, from models
of kernels, collectives and schedulers played on SimGrid.")
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian.cmake)
include(CPack)
