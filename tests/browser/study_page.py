# SPDX-License-Identifier: GPL-2.0-only
"""Opens a study's page in Chromium: no error, no request to a network, and charts that show the means of the CSV.

Usage: study_page.py PAGE CSV EMPTY_FOLDER [SCREENSHOT]
"""
import csv
import json
import math
import os
import sys
from collections import defaultdict

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

CHARTS = """
return [...document.querySelectorAll("figure")].map((figure) => {
    const chart = Chart.getChart(figure.querySelector("canvas"));
    return {
        id: figure.id, rows: figure.querySelectorAll("tbody tr").length, type: chart.config.type,
        height: chart.height, label: figure.querySelector("canvas").getAttribute("aria-label"),
        datasets: chart.data.datasets.map((set) => ({ metric: set.metric || null, label: set.label, data: set.data,
                                                      intervals: set.intervals || null })),
    };
});
"""


def browser(profile):
    options = Options()
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--user-data-dir=" + profile, "--window-size=1300,2000"]:
        options.add_argument(argument)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def means_of(path, factors):
    """Mean of each metric at each point: {labels: {metric: mean}}."""
    values = defaultdict(lambda: defaultdict(list))
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            point = tuple(row[factor] for factor in factors)
            for name, text in row.items():
                if name not in factors and name not in ("id", "seed", "version", "digest", "exit") and text:
                    values[point][name].append(float(text))
    return {point: {name: math.fsum(v) / len(v) for name, v in metrics.items()} for point, metrics in values.items()}


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-15)


def check_requests(driver, page, complain):
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if message["params"]["documentURL"] != page:
                continue  # the browser's own new tab
            if url != page and not url.startswith("data:"):
                complain("the page asks for " + url)


def check_charts(charts, data, means, complain):
    """Every mean in a chart is the CSV's; returns how many were compared."""
    compared = 0
    for chart in charts:
        if chart["rows"] == 0 or chart["height"] == 0 or not chart["label"]:
            complain(f"{chart['id']} has no table, no height or no label")
        if chart["id"] == "chart-pareto":
            continue
        for index, dataset in enumerate(chart["datasets"]):
            by_metric = chart["id"].startswith(("chart-causes-", "chart-latency-"))
            group = data["groups"][int(chart["id"].rsplit("-", 1)[1]) if by_metric else index]
            if len(dataset["data"]) != len(group["points"]):
                complain(f"{chart['id']}, {dataset['label']}: a wrong number of points")
            for shown, point in zip(dataset["data"], group["points"]):
                shown = shown["y"] if isinstance(shown, dict) else shown
                labels = tuple(data["points"][point]["parameters"][f] for f in data["factors"])
                truth = means[labels].get(dataset["metric"])
                if (shown is None) != (truth is None) or (shown is not None and not near(shown, truth)):
                    complain(f"{chart['id']}, {labels}: shows {shown}, the CSV says {truth}")
                compared += 1
    return compared


def main():
    path, csv_path, profile = sys.argv[1:4]
    failures = []
    driver = browser(profile)
    try:
        page = "file://" + os.path.realpath(path)
        driver.get(page)
        for entry in driver.get_log("browser"):
            failures.append("console: " + entry["message"])
        check_requests(driver, page, failures.append)
        data = json.loads(driver.execute_script("return document.getElementById('data').textContent"))
        charts = driver.execute_script(CHARTS)
        compared = check_charts(charts, data, means_of(csv_path, data["factors"]), failures.append)
        if len(charts) < 8 or compared < 50:
            failures.append(f"only {len(charts)} charts with {compared} numbers")
        if not driver.execute_script("return document.querySelector('.range').textContent").startswith("Recommended"):
            failures.append("no range is recommended")
        if len(sys.argv) > 4:
            driver.set_window_size(1300, 1900)
            driver.save_screenshot(sys.argv[4])
        if not driver.print_page().startswith("JVBERi"):  # %PDF in base 64
            failures.append("the page does not print")
    finally:
        driver.quit()
    for failure in failures[:20]:
        print(failure)
    print(f"{len(charts)} charts, {compared} numbers compared with the CSV, {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
