// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/search.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "sim/check.h"
#include "tools/explore/counterexample.h"

namespace pairsim {
namespace {

/// The packed states of one layer, one after the other.
class packed_layer {
public:
    std::size_t size() const { return starts_.size(); }
    /// Null for a state that is not to be expanded.
    const std::uint64_t* operator[](std::size_t i) const
    {
        if (starts_[i] == no_words) {
            return nullptr;
        }
        return blocks_[starts_[i] / block_words].get() + starts_[i] % block_words;
    }
    void add(const std::uint64_t* words, std::size_t nr)
    {
        SIM_CHECK(nr <= block_words);
        if (blocks_.empty() || used_ + nr > block_words) {
            blocks_.push_back(std::make_unique_for_overwrite<std::uint64_t[]>(block_words));
            used_ = 0;
        }
        std::copy_n(words, nr, blocks_.back().get() + used_);
        starts_.push_back((blocks_.size() - 1) * block_words + used_);
        used_ += nr;
    }
    void add_end() { starts_.push_back(no_words); }
    std::size_t memory_bytes() const { return blocks_.size() * block_words * 8 + starts_.capacity() * 8; }

private:
    static constexpr std::uint64_t no_words = ~std::uint64_t{0};
    static constexpr std::size_t block_words = std::size_t{1} << 17U;
    std::vector<std::unique_ptr<std::uint64_t[]>> blocks_;
    std::vector<std::uint64_t> starts_;
    std::size_t used_ = 0;
};

/// A successor that a worker has found and not seen in the table.
struct candidate {
    fingerprint print;
    state_index parent;
    state_index known; ///< the state it is, if it was in the table (only if the graph is kept)
    std::uint16_t action;
    property_set broken;
    state_label::bits label;
    std::uint32_t first_word;
    std::uint32_t nr_words;
};

/// What one worker has found in a slice of a layer, in order.
struct findings {
    std::vector<candidate> candidates;
    std::vector<std::uint64_t> words;
    std::vector<state_index> stuck; ///< states without successors
    std::uint64_t nr_transitions = 0;

    void clear()
    {
        candidates.clear();
        words.clear();
        stuck.clear();
        nr_transitions = 0;
    }
};

class worker {
public:
    worker(const exploration& what, const sched_ops& ops, property_set asked, const search_options& options)
        : world_(what, ops), packer_(world_), parent_(world_.state()), asked_(asked), options_(options)
    {
        for (waiting& w : line_) {
            w.words.resize(packer_.max_words());
        }
    }

    explored_world& world() { return world_; }
    const state_packer& packer() const { return packer_; }

    /// Finds the successors of @p state, packed at @p packed.
    void expand(state_index state, const std::uint64_t* packed, const visited_states& visited, findings& out)
    {
        packer_.unpack(packed, world_);
        if (world_.state().exit().kind != exit_kind::none) {
            return; // the scheduler has ended
        }
        parent_ = world_.state();
        const surroundings around = world_.around();
        bool has_successor = false;
        bool dirty = false;
        const auto restore = [&] {
            world_.state() = parent_;
            world_.around() = around;
        };
        const auto& actions = world_.actions();
        for (std::size_t a = 0; a < actions.size(); ++a) {
            if (dirty) {
                restore();
                dirty = false;
            }
            if (!world_.enabled(actions[a])) {
                continue;
            }
            dirty = true;
            if (!world_.apply(actions[a])) {
                continue;
            }
            has_successor = true;
            ++out.nr_transitions;
            note_successor(state, static_cast<std::uint16_t>(a), visited, out);
        }
        if (!has_successor && (asked_ & bit_of(property::no_deadlock)) != 0) {
            restore();
            if (is_stuck(world_)) {
                out.stuck.push_back(state);
            }
        }
    }

    /// Looks up what is still in line.
    void finish(const visited_states& visited, findings& out)
    {
        while (nr_looked_up_ < nr_waiting_) {
            look_up(visited, out);
        }
    }

    state_label::bits label()
    {
        state_label::bits bits = waits_with_irqs_off(world_) ? state_label::irqs_off_wait : 0;
        for (std::size_t t = 0; t < world_.what().tasks.size(); ++t) {
            bits |= waits_to_run(world_, pid{static_cast<std::uint32_t>(t + 1)}) ? state_label::task_waits(t) : 0;
        }
        for (std::size_t c = 0; c < world_.nr_cpus(); ++c) {
            const cpu_id cpu{static_cast<std::uint16_t>(c)};
            const cpu_state& s = world_.state().cpu(cpu);
            const bool rests = world_.in_base(cpu) && s.curr == idle_pid && s.need_resched == 0;
            bits |= rests ? state_label::rests(c) : 0;
        }
        if (const pair_sched* pair = world_.pair()) {
            auto maps = pair->maps(world_.state());
            const auto& pairs = pair->pairs().pairs;
            for (std::size_t i = 0; i < pairs.size() && maps.has_ctx(pairs[i].first.value); ++i) {
                const pair_ctx& ctx = maps.ctx(pairs[i].first.value);
                bits |= ctx.draining != 0 ? state_label::draining(i) : 0;
                bits |= ctx.started_at == nanoseconds{0} ? state_label::expired(i) : 0;
            }
        }
        return bits;
    }

private:
    /// Puts the present state in line to be looked up in the table; the memory needs time to bring its entry.
    void note_successor(state_index parent, std::uint16_t action, const visited_states& visited, findings& out)
    {
        if (options_.check_invariants) {
            world_.the_machine().check_invariants();
        }
        if (nr_waiting_ - nr_looked_up_ == line_length) {
            look_up(visited, out);
        }
        waiting& w = line_[nr_waiting_++ % line_length];
        const std::size_t nr = packer_.pack(world_, w.words.data());
        w.found = {.print = fingerprint_of({w.words.data(), nr}),
                   .parent = parent,
                   .known = no_state,
                   .action = action,
                   .broken = broken_in(world_, asked_),
                   .label = options_.keep_graph ? label() : 0,
                   .first_word = 0,
                   .nr_words = static_cast<std::uint32_t>(nr)};
        visited.prefetch(w.found.print);
        if (nr_waiting_ - nr_looked_up_ > line_length / 2) {
            visited.prefetch_state(line_[(nr_waiting_ - line_length / 2) % line_length].found.print);
        }
    }

    /// Looks up the first state in line and takes it as a candidate if it is new.
    void look_up(const visited_states& visited, findings& out)
    {
        waiting& w = line_[nr_looked_up_++ % line_length];
        w.found.known = visited.find(w.found.print);
        if (w.found.known == no_state) {
            w.found.first_word = static_cast<std::uint32_t>(out.words.size());
            out.words.insert(out.words.end(), w.words.data(), w.words.data() + w.found.nr_words);
        } else if (!options_.keep_graph) {
            return;
        }
        out.candidates.push_back(w.found);
    }

    struct waiting {
        candidate found;
        std::vector<std::uint64_t> words;
    };
    static constexpr std::size_t line_length = 16;

    explored_world world_;
    state_packer packer_;
    machine_state parent_;
    property_set asked_;
    search_options options_;
    std::array<waiting, line_length> line_;
    std::size_t nr_waiting_ = 0;
    std::size_t nr_looked_up_ = 0;
};

class searcher {
public:
    searcher(const exploration& what, const sched_ops& ops, property_set asked, const search_options& options)
        : what_(what), ops_(ops), bounds_(what.bounds), asked_(asked), options_(options),
          start_(std::chrono::steady_clock::now())
    {
        for (unsigned i = 0; i < std::max(1U, options.threads); ++i) {
            workers_.push_back(std::make_unique<worker>(what, ops, asked, options));
        }
        found_.resize(slices);
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
    static constexpr std::size_t chunk = 8192; ///< states between two merges: nothing may depend on it but speed
    static constexpr std::size_t slices = 32;  ///< of a chunk: what a worker takes at a time

    double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

    void add_initial()
    {
        worker& w = *workers_.front();
        std::vector<std::uint64_t> words(w.packer().max_words());
        const std::size_t nr = w.packer().pack(w.world(), words.data());
        result_.visited.add(fingerprint_of({words.data(), nr}), no_state, 0);
        layer_.add(words.data(), nr);
        if (options_.keep_graph) {
            result_.labels.push_back(w.label());
        }
    }

    /// True: a bound has stopped the search within the layer.
    bool expand_layer()
    {
        for (std::size_t from = 0; from < layer_.size(); from += chunk) {
            const std::size_t to = std::min(from + chunk, layer_.size());
            expand_chunk(from, to);
            for (const findings& f : found_) {
                merge(f);
            }
            if (at_bound()) {
                return true;
            }
        }
        return false;
    }

    void expand_chunk(std::size_t from, std::size_t to)
    {
        std::atomic<std::size_t> next_slice{0};
        const std::size_t per_slice = (to - from + slices - 1) / slices;
        const auto work = [&](worker& w) {
            for (std::size_t s = next_slice++; s < slices; s = next_slice++) {
                found_[s].clear();
                const std::size_t end = std::min(from + (s + 1) * per_slice, to);
                for (std::size_t i = std::min(from + s * per_slice, to); i < end; ++i) {
                    if (const std::uint64_t* packed = layer_[i]) {
                        w.expand(first_ + static_cast<state_index>(i), packed, result_.visited, found_[s]);
                    }
                }
                w.finish(result_.visited, found_[s]);
            }
        };
        constexpr std::size_t worth_a_thread = 256;
        std::vector<std::thread> threads;
        for (std::size_t t = 1; t < workers_.size() && to - from >= worth_a_thread; ++t) {
            threads.emplace_back([&, t] { work(*workers_[t]); });
        }
        work(*workers_.front());
        for (std::thread& t : threads) {
            t.join();
        }
    }

    void merge(const findings& f)
    {
        result_.nr_transitions += f.nr_transitions;
        for (const state_index s : f.stuck) {
            note(property::no_deadlock, s, result_.depth);
        }
        constexpr std::size_t ahead = 12;
        for (std::size_t i = 0; i < f.candidates.size(); ++i) {
            if (i + ahead < f.candidates.size()) {
                result_.visited.prefetch(f.candidates[i + ahead].print);
            }
            merge_one(f, f.candidates[i]);
        }
    }

    void merge_one(const findings& f, const candidate& c)
    {
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
        const counterexample c = replay(what_, ops_, p, path_to(result_.visited, s));
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
    std::vector<std::unique_ptr<worker>> workers_;
    std::vector<findings> found_;
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
