"""`fleet completion`: what a shell needs to complete the command line."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from fleet.cli.options.sections import SectionedCommand
from fleet.cli.statuses import Exit

VARIABLE = "_FLEET_COMPLETE"  # by which a shell asks
_INSTALLED = {
    "bash": """\
# Completion of fleet for bash, which needs the package bash-completion. For you:
#     mkdir -p ~/.local/share/bash-completion/completions
#     fleet completion bash > ~/.local/share/bash-completion/completions/fleet
# or for this shell only:
#     source <(fleet completion bash)
""",
    "zsh": """\
# For you (with ~/.zfunc in fpath, before compinit: fpath+=~/.zfunc):
#     mkdir -p ~/.zfunc && fleet completion zsh > ~/.zfunc/_fleet
# or for this shell only:
#     source <(fleet completion zsh)
""",
    "fish": """\
# Completion of fleet for fish. For you:
#     fleet completion fish > ~/.config/fish/completions/fleet.fish
# or for this shell only:
#     fleet completion fish | source
""",
}
_EXAMPLES = """
fleet completion bash > ~/.local/share/bash-completion/completions/fleet
fleet completion zsh > ~/.zfunc/_fleet
fleet completion fish > ~/.config/fish/completions/fleet.fish
"""


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("shell_name", metavar="bash|zsh|fish", type=click.Choice(list(_INSTALLED)))
@click.pass_context
def completion(ctx: click.Context, /, shell_name: str) -> int:
    """Print the script that lets a shell complete fleet's command line; its first lines say where it goes.

    Tab then knows commands and options, runs (latest, previous, names), the steps and labels of a run, specs,
    their pipelines and operations, and failure kinds.
    """
    found = get_completion_class(shell_name)
    if found is None:  # the choice above names those that click has
        raise click.UsageError(f"no completion for {shell_name}")
    script = found(ctx.find_root().command, {}, "fleet", VARIABLE).source().strip()
    if shell_name == "zsh":  # its first line must say what is completed
        first, _, rest = script.partition("\n")
        script = f"{first}\n{_INSTALLED['zsh']}{rest}"
    else:
        script = _INSTALLED[shell_name] + script
    click.echo(script.replace(f"{VARIABLE}=bash_complete $1)", f"{VARIABLE}=bash_complete $1 2>/dev/null)"))
    return Exit.DONE
