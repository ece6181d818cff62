"""weir_library: a cc_library whose headers are included as "weir/<package>/<header>", in a consumer's workspace too."""

# -O0 makes the stress tests of templates and atomics several times slower. A --copt=-O1 in .bazelrc would also override
# the -O2 of `-c opt`, and a copt here would reach consumers: hence a setting that only our .bazelrc turns on.
WEIR_COPTS = select({
    "//runtime/third_party:own_fastbuild": ["-O1"],
    "//conditions:default": [],
})

def weir_library(name, srcs = [], hdrs = [], deps = [], include_prefix = None, **kwargs):
    """A cc_library with weir's include spelling.

    Args:
      name: target name.
      srcs: sources. Only `hdrs` get the prefix: a header that the target keeps to itself goes into `hdrs` of a target
        with private visibility.
      hdrs: headers of this package.
      deps: dependencies.
      include_prefix: folder under which `hdrs` are included, if it is not "weir/<package>".
      **kwargs: passed on to cc_library.
    """
    package = native.package_name()

    # Without the prefix the spelling "runtime/x.h" would find a consumer's own runtime folder first.
    # strip_include_prefix with a leading slash counts from the root of the repository, and so holds for @weir too.
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = kwargs.pop("copts", []) + WEIR_COPTS,
        linkstatic = True,  # else `bazel build //...` links a shared object per library that nothing uses
        include_prefix = include_prefix or ("weir/" + package if package else "weir"),
        strip_include_prefix = "/" + package,
        deps = deps,
        **kwargs
    )
