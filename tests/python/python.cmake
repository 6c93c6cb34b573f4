# SPDX-License-Identifier: MIT
if(Python3_EXECUTABLE)
    file(GLOB package_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/python/test_*.py)
    foreach(script IN LISTS package_tests)
        get_filename_component(name ${script} NAME_WE)
        add_test(NAME python_${name} COMMAND ${Python3_EXECUTABLE} -B -m pytest -q -p no:cacheprovider ${script})
        set_tests_properties(python_${name} PROPERTIES LABELS "python;pictures" SKIP_RETURN_CODE 77 ENVIRONMENT
            "CPSIM_PROGRESS=never;CPSIM_PROGRAM=$<TARGET_FILE:cpsim>;PYTHONPATH=${PROJECT_SOURCE_DIR}/python;MPLCONFIGDIR=${CMAKE_CURRENT_BINARY_DIR}/matplotlib")
    endforeach()
endif()
# The wheel in an environment of its own, and what ruff and mypy say: with PyPI alone.
add_test(NAME python_package COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/python/test_package.sh $<TARGET_FILE:cpsim> ${PROJECT_SOURCE_DIR})
set_tests_properties(python_package PROPERTIES LABELS "python;slow" SKIP_RETURN_CODE 77)
