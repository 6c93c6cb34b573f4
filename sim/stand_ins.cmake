# Stand-ins: empty libraries in place of large ones that SimGrid and HDF5 are linked with and cpsim
# never calls (docs/decisions/0015-stand-ins.md). The loader takes a library by its name, so a
# program whose RPATH has a libns3-core.so.37 without code neither loads nor relocates the real one.

# cpsim_stand_in(LIBRARY NAMES SYMBOLS FOLDER): for what LIBRARY is linked with and the expression
# NAMES matches. They have what it misses (name@version) and the expression SYMBOLS matches, as
# functions that return 0: objects made before main() call some.
function(cpsim_stand_in library names symbols folder)
    execute_process(COMMAND ${CMAKE_READELF} -dW ${library} OUTPUT_VARIABLE needed ERROR_QUIET)
    execute_process(COMMAND ${CMAKE_NM} -D --undefined-only ${library} OUTPUT_VARIABLE missed
                    ERROR_QUIET)
    string(REGEX MATCHALL "NEEDED[^\n]*" needed "${needed}")
    list(TRANSFORM needed REPLACE ".*\\[(.*)\\].*" "\\1")
    list(FILTER needed INCLUDE REGEX "${names}")
    string(REGEX MATCHALL " U [^\n]+" missed "${missed}")
    list(TRANSFORM missed REPLACE "^ U " "")
    list(FILTER missed INCLUDE REGEX "${symbols}")
    foreach(name IN LISTS needed) # the first has all of them
        set(code "typedef int not_empty;\n")
        set(versions "")
        foreach(symbol IN LISTS missed)
            string(REGEX REPLACE "@.*" "" function ${symbol})
            string(APPEND code "long ${function}(void) { return 0; }\n")
            if(symbol MATCHES "@(.+)$")
                set(versions "${CMAKE_MATCH_1} { global: *; };\n")
            endif()
        endforeach()
        set(missed "")
        set(script "")
        if(versions)
            file(WRITE ${folder}/${name}.map "${versions}")
            set(script -Wl,--version-script=${folder}/${name}.map)
        endif()
        file(WRITE ${folder}/${name}.c "${code}")
        execute_process(COMMAND ${CMAKE_C_COMPILER} -w -shared -fPIC -nostdlib -Wl,-soname,${name}
                                ${script} ${folder}/${name}.c -o ${folder}/${name}
                        OUTPUT_QUIET ERROR_QUIET)
    endforeach()
endfunction()

# cpsim_stand_ins(FOLDER): makes all that there are to make, anew, and tries them with a program that
# starts both libraries. CPSIM_STAND_INS lists the files; nothing where there are none to make, or
# where the program does not start with them, or says a word.
function(cpsim_stand_ins folder)
    file(REMOVE_RECURSE ${folder})
    # SimGrid's other model of a network, and Fortran for its MPI, whose libquadmath makes every
    # printf() of a process slower; HDF5's files in Amazon's store, and their signatures.
    list(GET SIMGRID_LINK_LIBRARIES 0 simgrid)
    cpsim_stand_in(${simgrid} "^libns3-" "ns3" ${folder})
    cpsim_stand_in(${simgrid} "^libgfortran[.]so" "@GFORTRAN_" ${folder})
    list(GET HDF5_C_LIBRARIES 0 hdf5)
    cpsim_stand_in(${hdf5} "^libcurl[.]so" "^curl_" ${folder})
    cpsim_stand_in(${hdf5} "^libcrypto[.]so" "@OPENSSL_" ${folder})
    file(GLOB made ${folder}/*.so ${folder}/*.so.*)
    list(FILTER made EXCLUDE REGEX "[.](c|map)$")
    if(made)
        file(WRITE ${folder}/try.c "#include <hdf5.h>\n#include <simgrid/engine.h>\n"
             "int main(int count, char **words)\n{\n"
             "    simgrid_init(&count, words);\n    return H5open() < 0;\n}\n")
        try_run(CPSIM_STAND_INS_STATUS CPSIM_STAND_INS_BUILT ${folder}/try ${folder}/try.c
                CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${HDF5_C_INCLUDE_DIRS}
                LINK_OPTIONS -Wl,--disable-new-dtags,-rpath,${folder}
                LINK_LIBRARIES PkgConfig::SIMGRID ${hdf5}
                COMPILE_OUTPUT_VARIABLE compiled RUN_OUTPUT_VARIABLE said)
        if(NOT CPSIM_STAND_INS_BUILT OR NOT CPSIM_STAND_INS_STATUS EQUAL 0 OR said)
            message(STATUS "cpsim loads all that SimGrid and HDF5 are linked with: ${compiled}${said}")
            set(made "")
        endif()
    endif()
    set(CPSIM_STAND_INS ${made} PARENT_SCOPE)
endfunction()
