"""Prints figures: the table that people read, and the JSON lines that programs read."""
import json

WIDTH = 120


def number(value):
    """Three significant digits, without an exponent; thousands as k, millions as M."""
    for limit, divisor, suffix in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= limit:
            return f"{value / divisor:.3g}{suffix}"
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}"


def times(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def ahead(metric, ours, theirs):
    """How many times better ours is than theirs: above 1 we are ahead."""
    if ours <= 0 or theirs <= 0:
        return None
    return theirs / ours if metric.better == "lower" else ours / theirs


def missed(metric, target, value):
    return value > target if metric.better == "lower" else value < target


def aligned(rows):
    """Lines of columns as wide as their widest cell, the first two left-aligned; closer together if they must be."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else " "
    lines = []
    for row in rows:
        cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
        lines.append(gap.join(cells).rstrip())
    return "\n".join(lines)


def floors_table(floors):
    """`floors`: [(workload, figure or failure)]"""
    rows = [("floor", "unit", "value", "spread")]
    for workload, figure in floors:
        rows.append((workload.name, workload.metrics[0].unit, figure.text(), figure.spread_text()))
    return aligned(rows)


def theme_table(rows, peers, floor_is_peer=False):
    """`rows`: [Row] of bench/run. `floor_is_peer`: what the floor takes has a column of its own already."""
    head = ["workload", "metric", "w", "weir", "", "target", ""]
    for peer in peers:
        head += [peer.label, "ahead"]
    head += [*([] if floor_is_peer else ["x floor"]), "spread"]
    lines = [tuple(head)]
    last = None
    for row in rows:
        ours = row.figures.get("weir")
        target = row.target()
        mark = ""
        if target is not None and ours is not None and (ours.failed or missed(row.metric, target, ours.value)):
            mark = "MISSED"
        sign = "<=" if row.metric.better == "lower" else ">="
        cells = [row.workload.name if row.workload.name != last else "", row.metric.name, str(row.workers),
                 ours.text() if ours else "later" if row.workload.later else "-", row.metric.unit,
                 f"{sign} {number(target)}" if target is not None else "", mark]
        for peer in peers:
            theirs = row.figures.get(peer.name)
            ratio = ahead(row.metric, ours.value, theirs.value) if ours and theirs and not (
                ours.failed or theirs.failed) else None
            cells += [theirs.text() if theirs else "-", times(ratio) if ratio else ""]
        over = 1 / ahead(row.metric, ours.value, row.floor) if row.floor and ours and not ours.failed else None
        cells += [*([] if floor_is_peer else [times(over) if over else ""]), ours.spread_text() if ours else ""]
        lines.append(tuple(cells))
        last = row.workload.name
    return aligned(lines)


def json_line(workload, workers, system, metric, figure):
    return json.dumps({
        "workload": workload.name, "workers": workers, "system": system, "metric": metric.name,
        "value": figure.value, "unit": metric.unit, "better": metric.better, "spread": round(figure.spread, 4)})
