// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/advice.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pairsim {
namespace {

/// How much worse a point is than the best one, as a part of the best one's mean.
struct loss {
    double mean = 0;
    interval ci;
};

class adviser {
public:
    adviser(const result_set& results, const study_summary& summary, const point_group& group)
        : results_(results), s_(results.of()), summary_(summary), group_(group)
    {
    }

    advice give()
    {
        advice a;
        if (!s_.recommend) {
            return a;
        }
        a.verdict = verdict();
        const auto throughput = *s_.metric_index("throughput");
        std::vector<std::size_t> left = without_ended(a);
        std::erase_if(left, [&](std::size_t p) { return mean(p, throughput).n < 2; });
        if (left.empty()) {
            a.reasons.push_back("No point has two runs that went to their end, so nothing is recommended.");
            return a;
        }
        keep_near_best(left, throughput, s_.recommend->throughput_loss, "throughput", a);
        const std::size_t latency = latency_metric(left, a);
        keep_near_best(left, latency, s_.recommend->latency_loss, words_for(latency), a);
        a.chosen = left;
        a.range = label(left.front()) + (left.size() == 1 ? "" : " to " + label(left.back()));
        say_ends(left, a);
        return a;
    }

private:
    const mean_estimate& mean(std::size_t point, std::size_t metric) const
    {
        return summary_.points[point].metrics[metric].mean;
    }
    const std::string& label(std::size_t point) const { return s_.points[point].labels[summary_.x_factor]; }
    const std::string& factor() const { return s_.factors[summary_.x_factor]; }

    std::string words_for(std::size_t metric) const
    {
        return s_.metrics[metric].name == "wakeup_p99_ns" ? "99th percentile of wake-up latency" : "longest wait";
    }

    /// Does the time between a pair's cgroup changes follow the factor?
    std::string verdict() const
    {
        const auto turn = s_.metric_index("turn_ns");
        if (!turn || group_.points.size() < 2) {
            return {};
        }
        std::vector<std::size_t> with;
        std::ranges::copy_if(group_.points, std::back_inserter(with),
                             [&](std::size_t p) { return mean(p, *turn).n > 0; });
        if (with.size() < 2) {
            return {};
        }
        const auto by_turn = [&](std::size_t p) { return mean(p, *turn).mean; };
        const auto [least, most] = std::ranges::minmax_element(with, {}, by_turn);
        constexpr double little = 1.5;
        if (by_turn(*most) <= little * by_turn(*least)) {
            return fmt::format("{} hardly matters from {} to {}: a pair changes its cgroup every {} to {}{}.", factor(),
                               label(with.front()), label(with.back()), in_words(by_turn(*least), "ns"),
                               in_words(by_turn(*most), "ns"), emptied_in_words(with));
        }
        return fmt::format("{} decides: a pair changes its cgroup every {} at {} and every {} at {}{}.", factor(),
                           in_words(by_turn(with.front()), "ns"), label(with.front()),
                           in_words(by_turn(with.back()), "ns"), label(with.back()), emptied_in_words(with));
    }

    std::string emptied_in_words(const std::vector<std::size_t>& points) const
    {
        const auto emptied = s_.metric_index("emptied");
        if (!emptied || mean(points.back(), *emptied).n == 0) {
            return {};
        }
        const double at_last = mean(points.back(), *emptied).mean;
        constexpr double often = 0.5;
        return fmt::format("; at {} the cgroup's FIFO is found empty {:.2g} times a batch, so {}", label(points.back()),
                           at_last,
                           at_last >= often ? "batches end for want of tasks, mostly when a slice ends"
                                            : "batches have tasks to go on with until their time is up");
    }

    std::vector<std::size_t> without_ended(advice& a) const
    {
        std::vector<std::size_t> left;
        std::string named;
        for (const std::size_t p : group_.points) {
            if (summary_.points[p].ended.empty()) {
                left.push_back(p);
                continue;
            }
            named += named.empty() ? "" : ", ";
            named += label(p) + " (";
            bool is_first = true;
            for (const auto& [exit, n] : summary_.points[p].ended) {
                named += fmt::format("{}{} of {} runs: {}", is_first ? "" : ", ", n, summary_.points[p].nr_runs, exit);
                is_first = false;
            }
            named += ")";
        }
        if (!named.empty()) {
            a.reasons.push_back("Left out, because the scheduler ended before the run did: " + named + ".");
        }
        return left;
    }

    /// In a workload in which nobody wakes up, the longest wait of a task stands in for wake-up latency.
    std::size_t latency_metric(const std::vector<std::size_t>& points, advice& a) const
    {
        const std::size_t p99 = *s_.metric_index("wakeup_p99_ns");
        const auto wait = s_.metric_index("longest_wait_ns");
        if (std::ranges::all_of(points, [&](std::size_t p) { return mean(p, p99).n >= 2; }) || !wait) {
            return p99;
        }
        a.reasons.push_back("Nobody wakes up in this workload: the longest wait of a task stands in for latency.");
        return *wait;
    }

    std::optional<loss> loss_of(std::size_t point, std::size_t best, std::size_t metric) const
    {
        const double reference = std::fabs(mean(best, metric).mean);
        const auto difference = paired_difference(results_, best, point, metric);
        if (!difference || !difference->ci || reference == 0) {
            return std::nullopt;
        }
        const bool higher_is_better = s_.metrics[metric].direction == better::higher;
        const double sign = higher_is_better ? 1 : -1;
        loss l{sign * difference->mean / reference,
               {sign * difference->ci->low / reference, sign * difference->ci->high / reference}};
        if (!higher_is_better) {
            std::swap(l.ci.low, l.ci.high);
        }
        return l;
    }

    /// Keeps the points that are shown to lose at most @p tolerance against the best one.
    void keep_near_best(std::vector<std::size_t>& left, std::size_t metric, double tolerance, const std::string& words,
                        advice& a) const
    {
        const bool higher = s_.metrics[metric].direction == better::higher;
        const auto key = [&](std::size_t p) { return higher ? -mean(p, metric).mean : mean(p, metric).mean; };
        const std::size_t best = *std::ranges::min_element(left, {}, key);
        std::vector<std::size_t> kept;
        std::vector<std::pair<std::size_t, loss>> dropped;
        for (const std::size_t p : left) {
            const auto l = p == best ? std::optional(loss{}) : loss_of(p, best, metric);
            if (p == best || mean(p, metric).mean == mean(best, metric).mean || (l && l->ci.high <= tolerance)) {
                kept.push_back(p);
            } else if (l) {
                dropped.emplace_back(p, *l);
            }
        }
        a.reasons.push_back(fmt::format("Best {} {}: {} at {}. {} of {} points are shown to be at most {:.3g} % worse.",
                                        words, higher ? "(most)" : "(least)",
                                        in_words(mean(best, metric).mean, s_.metrics[metric].unit), label(best),
                                        kept.size(), left.size(), tolerance * 100));
        say_dropped(dropped, kept, words, best, tolerance, a);
        left = kept;
    }

    /// The dropped points next to those that are kept: where the range ends, and why.
    void say_dropped(const std::vector<std::pair<std::size_t, loss>>& dropped, const std::vector<std::size_t>& kept,
                     const std::string& words, std::size_t best, double tolerance, advice& a) const
    {
        const std::pair<std::size_t, loss>* below = nullptr;
        const std::pair<std::size_t, loss>* above = nullptr;
        for (const auto& d : dropped) {
            below = d.first < kept.front() ? &d : below;
            above = d.first > kept.back() && above == nullptr ? &d : above;
        }
        for (const auto* d : {below, above}) {
            if (d != nullptr) {
                a.reasons.push_back(
                    fmt::format("Not {}{}: {} is {:.3g} % worse than at {} ({:.4g} % interval: {:.3g} to {:.3g} %){}.",
                                label(d->first), d == below ? " and below" : " and above", words, d->second.mean * 100,
                                label(best), s_.confidence * 100, d->second.ci.low * 100, d->second.ci.high * 100,
                                d->second.ci.low <= tolerance ? ", too uncertain to be called as good" : ""));
            }
        }
    }

    void say_ends(const std::vector<std::size_t>& chosen, advice& a) const
    {
        const auto position = [&](std::size_t p) {
            return std::ranges::find(group_.points, p) - group_.points.begin();
        };
        if (static_cast<std::size_t>(position(chosen.back()) - position(chosen.front())) + 1 != chosen.size()) {
            a.reasons.push_back("Some points inside of the range are not recommended themselves: see the table.");
        }
        if (chosen.front() == group_.points.front() || chosen.back() == group_.points.back()) {
            a.reasons.push_back("The range reaches the end of what was studied, and may go on beyond it.");
        }
    }

    const result_set& results_;
    const study& s_;
    const study_summary& summary_;
    const point_group& group_;
};

} // namespace

advice advise(const result_set& results, const study_summary& summary, const point_group& group)
{
    return adviser(results, summary, group).give();
}

} // namespace pairsim
