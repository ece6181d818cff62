"""All external repositories, taken from Debian packages on this disk: a build touches no network.

A consumer's WORKSPACE says:

    local_repository(name = "weir", path = "...")
    load("@weir//runtime/third_party:deps.bzl", "weir_deps")
    weir_deps()

A repository that the consumer has defined before the call stays the consumer's.
"""

def _linked_files_impl(ctx):
    ctx.file("WORKSPACE", "")
    for label, path in ctx.attr.files.items():
        ctx.symlink(label, path)

# A repository made of files of this folder. The keys are labels, so they mean weir's folder in a consumer's build too.
_linked_files = repository_rule(
    implementation = _linked_files_impl,
    attrs = {"files": attr.label_keyed_string_dict(mandatory = True)},
)

def _maybe(rule, name, **kwargs):
    if not native.existing_rule(name):
        rule(name = name, **kwargs)

def weir_deps():
    """Defines weir's external repositories, those that Bazel 4.2 itself would download included."""
    _maybe(native.local_repository, "platforms", path = "/usr/share/bazel/platforms")
    _maybe(native.local_repository, "rules_java", path = "/usr/share/bazel/rules/java")
    _maybe(native.local_repository, "rules_proto", path = "/usr/share/bazel/rules/proto")

    # Debian's rules_cc needs a newer Bazel than Debian's Bazel (it loads use_cpp_toolchain).
    _maybe(_linked_files, "rules_cc", files = {
        Label("//runtime/third_party:empty.BUILD"): "cc/BUILD.bazel",
        Label("//runtime/third_party:rules_cc_defs.bzl"): "cc/defs.bzl",
    })

    # `bazel test` wants it even when nobody measures coverage.
    _maybe(_linked_files, "remote_coverage_tools", files = {
        Label("//runtime/third_party:remote_coverage_tools.BUILD"): "BUILD.bazel",
    })
    _maybe(_linked_files, "weir_system", files = {
        Label("//runtime/third_party:system.BUILD"): "BUILD.bazel",
    })
