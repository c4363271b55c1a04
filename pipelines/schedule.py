"""`aocr-pipeline schedule`: run the pipeline on Vertex AI at set times."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from aocr_core.errors import UsageError
from pipelines.compile import chosen, parts_option
from pipelines.vertex import cron, flags

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import Schedule


@click.group(name="schedule")
def command() -> None:
    """Run the pipeline on Vertex AI at set times. A schedule is called by its NAME; each command may be repeated."""


@command.command(name="set")
@click.argument("name")
@click.option("--cron", "expression", required=True, help="When: '0 3 * * 1', or 'TZ=Europe/Berlin 0 3 * * 1'.")
@flags.run_options(caching=False)
@parts_option
@flags.place_options
@click.option("--start", help="First moment for a run, 2027-01-31T03:00:00Z. [default: now]")
@click.option("--end", help="Moment after which no run starts. [default: none]")
@click.option("--max-runs", type=click.IntRange(1), help="Runs after which the schedule is completed. [default: none]")
@click.option("--at-a-time", type=click.IntRange(1), default=1, help="Runs at work at the same time. [default: 1]")
@click.option("--queue/--no-queue", default=False, help="A run that is due waits for others. [default: no-queue]")
@click.option("--dry-run", is_flag=True, help="Print the schedule as JSON, and send nothing.")
def put(
    name: str,
    expression: str,
    start: str | None,
    end: str | None,
    max_runs: int | None,
    at_a_time: int,
    queue: bool,
    dry_run: bool,
    data_parts: int,
    **values: Any,
) -> None:
    """Create the schedule NAME, or make it what is asked for.

    All options of `submit` are those of its runs. Steps are not reused unless --caching says so: a run is to see new
    data, and its parameters do not change.
    """
    from google.cloud.aiplatform_v1.types import Schedule

    from components.vertex.connection import Connection
    from pipelines.vertex import request, schedules

    timing = schedules.Timing(
        cron.checked(expression), _moment("--start", start), _moment("--end", end), max_runs, at_a_time, queue
    )
    connection, compiled = Connection(flags.place(values)), chosen(data_parts)
    wish, parent = flags.wish(compiled, values), connection.parent
    if wish.options.experiment:
        raise UsageError("--experiment: Vertex AI cannot put scheduled runs into an experiment")
    wanted = schedules.message(parent, name, compiled, flags.settled(wish), timing)
    if dry_run:
        click.echo(request.as_json(request.parsed(Schedule, wanted)))
        return
    schedule, done = schedules.put(connection, wanted)
    click.echo(f"{name}: {done}, {_state(schedule)}")


@command.command(name="list")
@flags.place_options
def listed(**values: Any) -> None:
    """List all schedules of the project in the region."""
    from components.vertex.connection import Connection
    from pipelines.vertex import schedules

    for schedule in schedules.listed(Connection(flags.place(values))):
        click.echo(f"{schedule.display_name}  {_state(schedule)}  {schedule.cron}")


@command.command()
@click.argument("name")
@flags.place_options
def pause(name: str, **values: Any) -> None:
    """Start no more runs until the schedule is resumed."""
    _switch(name, values, paused=True)


@command.command()
@click.argument("name")
@click.option("--catch-up", is_flag=True, help="Start the runs that were missed meanwhile.")
@flags.place_options
def resume(name: str, catch_up: bool, **values: Any) -> None:
    """Start runs again."""
    _switch(name, values, paused=False, catch_up=catch_up)


@command.command()
@click.argument("name")
@flags.place_options
def delete(name: str, **values: Any) -> None:
    """Delete the schedule. Runs that it has started go on."""
    from components.vertex.connection import Connection
    from pipelines.vertex import schedules

    there_was = schedules.delete(Connection(flags.place(values)), name)
    click.echo(f"{name}: {'deleted' if there_was else 'there is no such schedule'}")


def _switch(name: str, values: dict[str, Any], paused: bool, catch_up: bool = False) -> None:
    from components.vertex.connection import Connection
    from pipelines.vertex import schedules

    changed = schedules.set_state(Connection(flags.place(values)), name, paused, catch_up)
    state = "paused" if paused else "active"
    click.echo(f"{name}: {state}" if changed else f"{name}: {state} already")


def _state(schedule: "Schedule") -> str:
    following = schedule.next_run_time
    return schedule.state.name.lower() + (f", next run {following:%Y-%m-%d %H:%M} UTC" if following else "")


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: write 2027-01-31T03:00:00Z") from error
    if moment.tzinfo is None:
        raise UsageError(f"{option} {text}: the time zone is missing (Z, or +01:00)")
    return moment
