# SPDX-License-Identifier: MIT
# What cpack adds to a Debian package before it is packed: Debian's Python finds the package there.
if(CPACK_GENERATOR STREQUAL "DEB")
    find_program(dpkg_shlibdeps dpkg-shlibdeps)
    find_program(file_tool file)
    if(NOT dpkg_shlibdeps OR NOT file_tool)
        message(FATAL_ERROR "What the package depends on is found by dpkg-shlibdeps and file: apt-get install dpkg-dev file")
    endif()
    file(GLOB_RECURSE program ${CPACK_TEMPORARY_DIRECTORY}/*/bin/cpsim)
    list(GET program 0 program)
    get_filename_component(prefix ${program}/../.. ABSOLUTE)
    file(MAKE_DIRECTORY ${prefix}/lib/python3/dist-packages)
    file(CREATE_LINK ../../../share/cpsim/python/cpsim ${prefix}/lib/python3/dist-packages/cpsim SYMBOLIC)
endif()
