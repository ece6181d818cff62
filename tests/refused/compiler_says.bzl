"""compiler_says: what the compiler says about a source that it must refuse, as a text."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _compiler_says_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    headers = cc_common.merge_cc_infos(cc_infos = [d[CcInfo] for d in ctx.attr.deps]).compilation_context
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
        variables = cc_common.create_compile_variables(
            feature_configuration = features,
            cc_toolchain = toolchain,
            include_directories = headers.includes,
            quote_include_directories = headers.quote_includes,
            system_include_directories = headers.system_includes,
            user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + [
                "-w",
                "-fsyntax-only",
                # It may talk without end; enough for some errors in each case.
                "-fmax-errors=1000",
                "-ftemplate-backtrace-limit=10",
            ],
        ),
    )
    compiler = cc_common.get_tool_for_action(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
    )
    ctx.actions.run_shell(
        inputs = depset([ctx.file.src], transitive = [headers.headers, toolchain.all_files]),
        outputs = [ctx.outputs.out],
        arguments = [ctx.outputs.out.path, compiler] + flags + [ctx.file.src.path],
        # Written whatever the compiler's status is: that it refuses the source is what is wanted. Cut only once it has
        # ended: from a pipe that closes it would die, and its status would be that of its death.
        command = 'said=$1; shift; "$@" > "$said.all" 2>&1; status=$?; head -c 1000000 "$said.all" > "$said"; ' +
                  'rm "$said.all"; printf "\\nexit status %d\\n" "$status" >> "$said"',
        env = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        mnemonic = "CompilerSays",
    )

compiler_says = rule(
    implementation = _compiler_says_impl,
    attrs = {
        "src": attr.label(allow_single_file = [".cc"], mandatory = True),
        "out": attr.output(mandatory = True),
        "deps": attr.label_list(providers = [CcInfo]),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
