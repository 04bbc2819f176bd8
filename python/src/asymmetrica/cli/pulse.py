"""The commands that run on: the pulse without pg_cron, and the listener."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from datetime import datetime

from .._database_sync import connect
from .._runner import LANES, Event, run_pulse
from .output import Output


def pulse(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Run the loops until SIGTERM or SIGINT."""

    def tell(event: Event) -> None:
        if out.json:
            fields = {name: getattr(event, name) for name in Event.__slots__}
            out.event(fields)
        else:
            wait = f", trying again in {event.wait:.1f} s" if event.wait is not None else ""
            note = f": {event.note}" if event.note else ""
            now = datetime.now().astimezone().strftime("%H:%M:%S")
            print(f"{now} {event.lane} lane {event.what}{note}{wait}", file=sys.stderr, flush=True)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run_pulse(
            dsn,
            lanes=tuple(arguments.lane or LANES),
            duration=arguments.duration,
            forced=arguments.force,
            once=arguments.once,
            stop=stop,
            tell=tell,
        )

    asyncio.run(run())
    return 0


def listen(dsn: str, arguments: argparse.Namespace, out: Output) -> int:
    """Print what the pulse tells."""
    seen = 0
    with connect(dsn) as db, db.pulses(timeout=arguments.timeout) as beats:
        for beat in beats:
            seen += 1
            if out.json:
                out.event(beat.payload)
            else:
                what = f"{beat.drifts} drifts, {len(beat.actions)} actions {', '.join(beat.objects)}"
                out.line(f"{beat.at:%H:%M:%S} beat {beat.seq} of {beat.actor}: {what}")
            if arguments.count and seen >= arguments.count:
                break
    return 0
