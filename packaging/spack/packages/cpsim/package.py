# SPDX-License-Identifier: MIT
"""cpsim for Spack: `spack repo add packaging/spack`, then `spack dev-build cpsim@main` in a checkout."""
from spack.package import *


class Cpsim(CMakePackage):
    """A discrete-event simulator of large language models on GPU clusters."""

    license("MIT")

    version("main")

    variant("python", default=True, description="What the package cpsim reads and draws traces with")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.21:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("simgrid@3.32:")
    depends_on("libyaml")
    depends_on("hdf5@1.10:~mpi")
    with when("+python"):
        depends_on("python@3.9:", type="run")
        depends_on("py-h5py", type="run")
        depends_on("py-matplotlib", type="run")
        depends_on("py-pandas", type="run")

    def cmake_args(self):
        return [self.define("BUILD_TESTING", False)]

    def setup_run_environment(self, env):
        env.prepend_path("PYTHONPATH", self.prefix.share.cpsim.python)

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        Executable(self.prefix.bin.cpsim)("scenarios/llama405b.yaml", "-o", "llama405b.h5")
