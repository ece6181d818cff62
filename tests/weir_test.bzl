"""weir_test: a Catch2 test with weir's main()."""

load("//runtime:weir_library.bzl", "WEIR_COPTS")

def weir_test(name, srcs, deps = [], size = "small", **kwargs):
    """A cc_test of Catch2 test cases; see //tests:main.cc for what it does about time limits, seeds and reports.

    Args:
      name: target name; as a file, the tested source's name plus "_test".
      srcs: sources with TEST_CASEs.
      deps: dependencies; those for Catch2 and main() are added.
      size: time limit, see Bazel's cc_test.
      **kwargs: passed on to cc_test. Not shard_count: Catch2 v2 cannot shard.
    """
    native.cc_test(
        name = name,
        srcs = srcs,
        copts = kwargs.pop("copts", []) + WEIR_COPTS,
        size = size,
        deps = deps + [
            "//tests:catch_main",
            "@weir_system//:catch2",
        ],
        **kwargs
    )
