"""Results on disk: a JSON file a run (kept here, not in the repository), and the medians of published runs for good."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
HISTORY = Path(__file__).parent / "history.json"


def save(result: Mapping[str, Any], directory: Path) -> Path:
    """Write a result under its part and the time; return where."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{result['part']}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def newest(part: str, directory: Path) -> dict[str, Any] | None:
    """Return the newest result of a part, or None."""
    paths = sorted(directory.glob(f"{part}-*.json"))
    return json.loads(paths[-1].read_text()) if paths else None


def remember(result: Mapping[str, Any], history: Path) -> None:
    """Add the medians of a main part to the history, once: when, which commit, where, and both ratios by case."""
    entries: list[dict[str, Any]] = json.loads(history.read_text()) if history.exists() else []
    entry = {
        "time": result["time"],
        "commit": result["commit"],
        "machine": result["machine"],
        "rounds": result["rounds"],
        "ratios": {
            f"{row['test']} P={row['pipeline']}": [round(row["ratio"], 3), round(row["cpu_ratio"], 3)]
            for row in result["rows"]
        },
    }
    kept = [old for old in entries if old["time"] != entry["time"]]
    text = ",\n".join(json.dumps(line) for line in [*kept, entry])
    history.write_text(f"[\n{text}\n]\n")
