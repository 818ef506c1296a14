"""Exposition: the samples as the text that Prometheus reads."""

from collections.abc import Iterator
from functools import cache
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncConnection

from operators.metrics import catalogue
from operators.metrics.counters import add_counted
from operators.metrics.samples import Lags, Samples
from operators.metrics.standing import add_standing, standing
from schemas.config import Config
from storage import counting
from storage.store import Store

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
END_LAG = "end_lag_seconds"


async def gathered(connection: AsyncConnection, store: Store, config: Config, now: int) -> Samples:
    """Every metric as it is now, of one view of the store."""
    samples = Samples()
    add_counted(samples, await counting.ever(connection), config.sources.keys(), config.handoffs.keys())
    add_standing(samples, await standing(connection, store, config, now), config, now)
    samples.add("build_info", (_version(), connection.dialect.name), 1)
    return samples


def written(samples: Samples) -> bytes:
    """The text, each metric with its help and its type."""
    registry = CollectorRegistry()
    registry.register(_Gathered(samples))
    return generate_latest(registry)


class _Gathered(Collector):
    """Hands over what was gathered. It is made anew for every look."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        for metric in catalogue.METRICS.values():
            yield _family(metric, self._samples)


def _family(metric: catalogue.Metric, samples: Samples) -> Metric:
    if metric.name == END_LAG:
        return _histogram(metric, samples)
    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = make(metric.full_name, metric.meaning, labels=metric.labels)
    for labels, value in sorted(samples.of(metric.name).items()):
        family.add_metric(labels, value)
    return family


def _histogram(metric: catalogue.Metric, samples: Samples) -> Metric:
    family = HistogramMetricFamily(metric.full_name, metric.meaning, labels=metric.labels)
    for labels, lags in sorted(samples.lags.items()):
        family.add_metric(labels, _buckets(lags), lags.sum)
    return family


def _buckets(lags: Lags) -> list[tuple[str, float]]:
    return [*((str(bound), count) for bound, count in sorted(lags.within.items())), ("+Inf", lags.count)]


@cache
def _version() -> str:
    return version("batchkeeper")
