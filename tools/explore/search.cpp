// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/search.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "tools/explore/counterexample.h"
#include "tools/explore/crew.h"
#include "tools/explore/expander.h"

namespace pairsim {
namespace {

/// The states between two merges, in slices that the threads take by turns. Nothing may depend on either but speed.
constexpr std::size_t chunk = 8192;
constexpr std::size_t slices = 32;

using chunk_findings = std::array<findings, slices>;

class searcher {
public:
    searcher(const exploration& what, const sched_ops& ops, property_set asked, const search_options& options)
        : what_(what), ops_(ops), bounds_(what.bounds), asked_(asked), options_(options),
          start_(std::chrono::steady_clock::now()), crew_(std::max(1U, options.threads))
    {
        for (unsigned i = 0; i < std::max(1U, options.threads); ++i) {
            expanders_.push_back(std::make_unique<expander>(what, ops, asked, options));
        }
    }

    search_result run()
    {
        add_initial();
        bool stopped = false;
        while (layer_.size() > 0 && !stopped) {
            stopped = expand_layer();
            first_ = static_cast<state_index>(result_.visited.size() - next_.size());
            layer_ = std::move(next_);
            next_ = {};
            result_.depth += layer_.size() > 0 ? 1U : 0U;
            if (!stopped && layer_.size() > 0) {
                stopped = at_bound_of_layer();
            }
        }
        result_.seconds = elapsed();
        return std::move(result_);
    }

private:
    double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

    void add_initial()
    {
        std::vector<std::uint64_t> words;
        const state_label::bits label = expanders_.front()->pack_initial(words);
        result_.visited.add(state_packer::fingerprint_at(words.data()), no_state, 0);
        layer_.add(words.data(), words.size());
        if (options_.keep_graph) {
            result_.labels.push_back(label);
        }
    }

    layer_slice slice_of(std::size_t from, std::size_t number) const
    {
        const std::size_t to = std::min(from + chunk, layer_.size());
        const std::size_t per_slice = (to - from + slices - 1) / slices;
        return {layer_, first_, std::min(from + number * per_slice, to), std::min(from + (number + 1) * per_slice, to)};
    }

    /// While one thread merges what has been found in a chunk, the others expand the next one. True: a bound has
    /// stopped the search within the layer.
    bool expand_layer()
    {
        chunk_findings* found = &found_[0];
        chunk_findings* ahead = &found_[1];
        expand_chunk(0, *found);
        for (std::size_t from = 0; from < layer_.size(); from += chunk) {
            const auto look_up = [&](expander& e, std::size_t s) {
                e.look_up(slice_of(from, s), result_.visited, (*found)[s]);
            };
            share_slices(look_up, [] {});
            const auto merge_all = [&] { std::ranges::for_each(*found, [&](const findings& f) { merge(f); }); };
            expand_chunk(from + chunk, *ahead, merge_all);
            if (at_bound()) {
                return true;
            }
            std::swap(found, ahead);
        }
        return false;
    }

    void expand_chunk(
        std::size_t from, chunk_findings& found, const std::function<void()>& first = [] {})
    {
        if (from >= layer_.size()) {
            first();
            return;
        }
        share_slices([&](expander& e, std::size_t s) { e.expand(slice_of(from, s), found[s]); }, first);
    }

    /// Lets the threads do @p work on each slice. The calling thread does @p first before.
    void share_slices(const std::function<void(expander&, std::size_t)>& work, const std::function<void()>& first)
    {
        std::atomic<std::size_t> next{0};
        crew_.run([&](unsigned thread) {
            if (thread == 0) {
                first();
            }
            for (std::size_t s = next++; s < slices; s = next++) {
                work(*expanders_[thread], s);
            }
        });
    }

    void merge(const findings& f)
    {
        result_.nr_transitions += f.nr_transitions;
        for (const state_index s : f.stuck) {
            note(property::no_deadlock, s, result_.depth);
        }
        constexpr std::size_t ahead = 24;
        for (std::size_t i = 0; i < f.successors.size(); ++i) {
            if (i + ahead < f.successors.size() && f.successors[i + ahead].known == no_state) {
                result_.visited.prefetch(f.successors[i + ahead].print);
            }
            merge_one(f, f.successors[i]);
        }
    }

    void merge_one(const findings& f, const successor& c)
    {
        if (c.known != no_state && !options_.keep_graph) {
            return;
        }
        state_index to = c.known != no_state ? c.known : result_.visited.find(c.print);
        if (to == no_state) {
            to = result_.visited.add(c.print, c.parent, c.action);
            if (options_.keep_graph) {
                result_.labels.push_back(c.label);
            }
            bool excepted = false;
            for (std::size_t p = 0; p < nr_properties && c.broken != 0; ++p) {
                if ((c.broken & (1U << p)) != 0) {
                    excepted = !note(static_cast<property>(p), to, result_.depth + 1) || excepted;
                }
            }
            if (excepted) {
                next_.add_end(); // what follows an excepted violation is not asked about
            } else {
                next_.add(f.words.data() + c.first_word, c.nr_words);
            }
        }
        if (options_.keep_graph) {
            result_.edges.push_back({c.parent, to, c.action});
        }
    }

    /// Keeps the first violation of @p p. False: its cause is excepted.
    bool note(property p, state_index s, std::uint32_t depth)
    {
        auto& of = result_.violations[static_cast<std::size_t>(p)];
        if (of) {
            return true;
        }
        if (!counts(p, s)) {
            return false;
        }
        of = {s, depth};
        return true;
    }

    /// Not if the file excepts the cause.
    bool counts(property p, state_index s) const
    {
        const auto& except = what_.except[static_cast<std::size_t>(p)];
        if (except.empty()) {
            return true;
        }
        const counterexample c = replay(what_, ops_, p, in_first_names(what_, ops_, path_to(result_.visited, s)));
        return std::ranges::find(except, c.cause) == except.end();
    }

    /// Bounds that may stop the search anywhere; what they stop it at is not a result to compare.
    bool at_bound()
    {
        const std::size_t memory = result_.visited.memory_bytes() + layer_.memory_bytes() + next_.memory_bytes() +
                                   result_.edges.capacity() * sizeof(state_edge) +
                                   result_.labels.capacity() * sizeof(state_label::bits);
        result_.peak_memory_bytes = std::max(result_.peak_memory_bytes, memory);
        if (memory > bounds_.memory_bytes) {
            result_.end = search_end::max_memory;
        } else if (result_.visited.size() >= bounds_.states) {
            result_.end = search_end::max_states;
        } else if (elapsed() > std::chrono::duration<double>(bounds_.time).count()) {
            result_.end = search_end::max_time;
        }
        return result_.end != search_end::complete;
    }

    bool at_bound_of_layer()
    {
        const bool decided = asked_ != 0 && std::ranges::all_of(all_properties(), [&](const property_info& p) {
                                 return (asked_ & bit_of(p.which)) == 0 || (!p.needs_graph && result_.of(p.which));
                             });
        if (decided) {
            result_.end = search_end::decided;
        } else if (result_.depth >= bounds_.depth) {
            result_.end = search_end::max_depth;
        }
        return result_.end != search_end::complete;
    }

    const exploration& what_;
    const sched_ops& ops_;
    search_bounds bounds_;
    property_set asked_;
    search_options options_;
    std::chrono::steady_clock::time_point start_;
    crew crew_;
    std::vector<std::unique_ptr<expander>> expanders_;
    std::array<chunk_findings, 2> found_;
    packed_layer layer_, next_;
    state_index first_ = 0; ///< number of the layer's first state
    search_result result_;
};

} // namespace

search_result search(const exploration& what, const sched_ops& ops, property_set asked, const search_options& options)
{
    return searcher(what, ops, asked, options).run();
}

} // namespace pairsim
