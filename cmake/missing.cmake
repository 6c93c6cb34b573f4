# SPDX-License-Identifier: MIT
# Who builds by `pip install .` sees CMake's words alone: everything that is missing at once, and where it comes from.
find_package(PkgConfig QUIET)
set(missing "")
if(PKG_CONFIG_FOUND)
    pkg_check_modules(asked_simgrid QUIET simgrid>=3.32)
    pkg_check_modules(asked_yaml QUIET yaml-0.1)
    if(NOT asked_simgrid_FOUND)
        list(APPEND missing libsimgrid-dev)
    endif()
    if(NOT asked_yaml_FOUND)
        list(APPEND missing libyaml-dev)
    endif()
else()
    list(APPEND missing pkg-config libsimgrid-dev libyaml-dev)
endif()
find_package(HDF5 QUIET COMPONENTS C)
if(NOT HDF5_FOUND)
    list(APPEND missing libhdf5-dev)
endif()
if(missing)
    # What was found on the way is looked for anew when the rest is there: it may lie elsewhere then.
    get_cmake_property(cached CACHE_VARIABLES)
    list(FILTER cached INCLUDE REGEX "^HDF5_")
    foreach(name IN LISTS cached)
        unset(${name} CACHE)
    endforeach()
    list(JOIN missing " " missing)
    message(FATAL_ERROR "cpsim is built on SimGrid (3.32 or newer), libyaml and HDF5. Not found here, by Debian's names: "
        "${missing}\n"
        "  Debian or Ubuntu, as root:  apt-get install ${missing}\n"
        "  Spack:                      spack install simgrid libyaml hdf5 && spack load simgrid libyaml hdf5\n"
        "  in a folder of your own:    export CMAKE_PREFIX_PATH=/path/to/simgrid:/path/to/libyaml:/path/to/hdf5")
endif()
