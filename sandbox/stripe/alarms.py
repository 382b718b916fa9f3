"""Things that happen by themselves when the sandbox clock reaches a moment."""

from collections.abc import Callable

from sandbox.stripe.context import Context

MAX_AT_ONCE = 10_000
Task = Callable[[Context, str], None]


def run_due(ctx: Context, tasks: dict[str, Task]) -> None:
    """Do everything whose moment has come."""
    for _ in range(MAX_AT_ONCE):
        due = ctx.account.due_alarm(ctx.now)
        if due is None:
            return
        task, object_id = due
        tasks[task](ctx, object_id)
