// SPDX-License-Identifier: GPL-2.0-only
#include <deque>
#include <optional>
#include <vector>

#include "model/pair_state.h"
#include "sim/random.h"
#include "tests/support/printers.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

/// The maps of scx_pair in memory of their own.
struct maps_in_memory {
    explicit maps_in_memory(const pair_maps::sizes& s) : layout(s), memory(layout.bytes / sizeof(std::uint64_t) + 1)
    {
        pair_maps::init(layout, bytes());
    }
    std::byte* bytes() { return reinterpret_cast<std::byte*>(memory.data()); }
    pair_maps maps() { return {layout, bytes()}; }

    pair_maps::layout layout;
    std::vector<std::uint64_t> memory;
};

constexpr pair_maps::sizes small{
    .nr_ctxs = 2, .nr_cgroups = 6, .nr_q = 3, .max_queued = 4, .max_cgrps = 3, .max_top_q = 12};

std::vector<std::uint32_t> drain(maps_in_memory& m, std::uint32_t q)
{
    std::vector<std::uint32_t> pids;
    pid p;
    while (m.maps().pop(q, p)) {
        pids.push_back(p.value);
    }
    return pids;
}

} // namespace

TEST_CASE("a queue map is a FIFO with a limit", "[bpf_map_push_elem]")
{
    std::uint32_t elements[3] = {};
    queue_map q;
    std::uint32_t value = 77;
    CHECK_FALSE(q.pop(elements, 3, value));
    CHECK(value == 77); // unchanged
    for (std::uint32_t v : {1U, 2U, 3U}) {
        CHECK(q.push(elements, 3, v));
    }
    CHECK_FALSE(q.push(elements, 3, 4));
    CHECK(q.nr == 3);
    for (std::uint32_t v : {1U, 2U, 3U}) {
        REQUIRE(q.pop(elements, 3, value));
        CHECK(value == v);
    }
    CHECK_FALSE(q.pop(elements, 3, value));
}

TEST_CASE("a queue map agrees with a deque wherever its head stands", "[bpf_map_push_elem]")
{
    const std::uint32_t capacity = GENERATE(1U, 2U, 5U, 64U);
    std::vector<std::uint32_t> elements(capacity);
    queue_map q;
    std::deque<std::uint32_t> model;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        const auto draw = random_draw(capacity, random_purpose::unseed, 1, i);
        const bool filling = (i / 200) % 2 == 0; // so that it is full and empty now and then
        if ((draw % 3 == 0) != filling) {
            const auto value = static_cast<std::uint32_t>(draw >> 32U);
            REQUIRE(q.push(elements.data(), capacity, value) == (model.size() < capacity));
            if (model.size() < capacity) {
                model.push_back(value);
            }
        } else {
            std::uint32_t value = 0;
            REQUIRE(q.pop(elements.data(), capacity, value) == !model.empty());
            if (!model.empty()) {
                REQUIRE(value == model.front());
                model.pop_front();
            }
        }
        REQUIRE(q.nr == model.size());
    }
}

TEST_CASE("an empty queue is one value, wherever its head has been", "[bpf_map_push_elem]")
{
    std::uint32_t elements[3] = {};
    queue_map q;
    std::uint32_t value = 0;
    for (std::uint32_t v = 1; v < 6; ++v) {
        q.push(elements, 3, v);
        q.pop(elements, 3, value);
        CHECK(q.head == 0);
        CHECK(q.nr == 0);
        CHECK((elements[0] == 0 && elements[1] == 0 && elements[2] == 0));
    }
}

TEST_CASE("the FIFOs of cgroups do not mix and keep their order", "[pair_enqueue]")
{
    maps_in_memory m(small);
    for (std::uint32_t v = 1; v <= 4; ++v) {
        CHECK(m.maps().push(0, pid{v}));
        CHECK(m.maps().push(2, pid{v + 10}));
    }
    CHECK_FALSE(m.maps().push(0, pid{5})); // max_queued
    CHECK(m.maps().nr_elements(0) == 4);
    CHECK(m.maps().nr_elements(1) == 0);
    CHECK(drain(m, 0) == std::vector<std::uint32_t>{1, 2, 3, 4});
    CHECK(drain(m, 1).empty());
    CHECK(drain(m, 2) == std::vector<std::uint32_t>{11, 12, 13, 14});
}

TEST_CASE("top_q holds four times MAX_CGRPS entries", "[pair_enqueue]")
{
    maps_in_memory m(small);
    for (std::uint32_t v = 0; v < 12; ++v) {
        CHECK(m.maps().push_top(cgroup_id{v % 2}));
    }
    CHECK_FALSE(m.maps().push_top(cgroup_id{3}));
    CHECK(m.maps().nr_top() == 12);
    cgroup_id first{99};
    CHECK(m.maps().pop_top(first));
    CHECK(first == cgroup_id{0});
    CHECK(pair_config{}.max_cgrps * 4 == 16384);
    CHECK(pair_config{}.max_queued == 4096);
}

TEST_CASE("parts of the state do not overlap", "[pair_maps]")
{
    maps_in_memory m(small);
    auto maps = m.maps();
    at(maps.counters(), pair_counter::nr_cgrp_empty) = ~std::uint64_t{0};
    maps.ctx(1).started_at = nanoseconds{-1};
    maps.ctx(1).preempted_mask = 3;
    for (std::uint32_t q = 0; q < 3; ++q) {
        maps.len(q) = 1000 + q;
        for (std::uint32_t v = 0; v < 4; ++v) {
            maps.push(q, pid{0xffffffffU});
        }
    }
    while (maps.push_top(cgroup_id{0xfffffffeU})) {
    }
    for (std::uint32_t c = 0; c < 3; ++c) {
        CHECK(maps.claim_q_idx(cgroup_id{c}));
    }
    CHECK(at(maps.counters(), pair_counter::nr_total) == 0);
    CHECK(at(maps.counters(), pair_counter::nr_cgrp_empty) == ~std::uint64_t{0});
    CHECK(maps.ctx(0) == pair_ctx{});
    CHECK(maps.ctx(1).preempted_mask == 3);
    CHECK(maps.nr_top() == 12);
    CHECK(maps.total_len() == 3003);
    for (std::uint32_t c = 0; c < 3; ++c) {
        CHECK(maps.q_idx(cgroup_id{c}) == c);
        CHECK(maps.nr_elements(c) == 4);
    }
    CHECK(maps.q_idx(cgroup_id{3}) == no_q_idx);
    CHECK(maps.has_ctx(1));
    CHECK_FALSE(maps.has_ctx(2));
}

// ---- indices ------------------------------------------------------------------------------------------------------

TEST_CASE("indices are given out by a cursor that goes round", "[pair_cgroup_init]")
{
    maps_in_memory m(small);
    auto maps = m.maps();
    CHECK(maps.claim_q_idx(cgroup_id{0}));
    CHECK(maps.claim_q_idx(cgroup_id{1}));
    maps.release_q_idx(cgroup_id{0});
    CHECK(maps.q_idx(cgroup_id{0}) == no_q_idx);
    CHECK(maps.claim_q_idx(cgroup_id{2}));
    CHECK(maps.q_idx(cgroup_id{2}) == 2); // not the index that has just become free
    CHECK(maps.claim_q_idx(cgroup_id{3}));
    CHECK(maps.q_idx(cgroup_id{3}) == 0);
    CHECK_FALSE(maps.claim_q_idx(cgroup_id{4}));
    CHECK(maps.q_idx(cgroup_id{4}) == no_q_idx);
    maps.release_q_idx(cgroup_id{1});
    CHECK(maps.claim_q_idx(cgroup_id{4}));
    CHECK(maps.q_idx(cgroup_id{4}) == 1);
}

TEST_CASE("the root has index 0 and the others follow in the order of their creation", "[pair_cgroup_init]")
{
    test_world w(2);
    for (const char* name : {"a", "b", "c"}) {
        w.add_cgroup(name);
    }
    w.run_to(1ms);
    for (std::uint32_t c = 0; c < 4; ++c) {
        CHECK(w.maps().q_idx(cgroup_id{c}) == c);
    }
}

TEST_CASE("to release a cgroup without an index does nothing", "[pair_cgroup_exit]")
{
    maps_in_memory m(small);
    auto maps = m.maps();
    CHECK(maps.claim_q_idx(cgroup_id{0}));
    maps.release_q_idx(cgroup_id{5});
    CHECK(maps.q_idx(cgroup_id{0}) == 0);
}

TEST_CASE("a cgroup that reuses an index inherits the queue and its length", "[pair_cgroup_exit]")
{
    maps_in_memory m(small);
    auto maps = m.maps();
    for (std::uint32_t c = 0; c < 3; ++c) {
        REQUIRE(maps.claim_q_idx(cgroup_id{c}));
    }
    maps.push(1, pid{5});
    maps.len(1) = 1;
    maps.release_q_idx(cgroup_id{1});
    REQUIRE(maps.claim_q_idx(cgroup_id{4}));
    CHECK(maps.q_idx(cgroup_id{4}) == 1);
    CHECK(maps.len(1) == 1);
    CHECK(drain(m, 1) == std::vector<std::uint32_t>{5});
}

TEST_CASE("a cgroup with a stale length is never put on top_q", "[pair_enqueue]")
{
    // A task is moved out of `old` while it is queued: its entry stays. `old` goes, `heir` takes the index over, and
    // the first task that is queued in `heir` finds a length of one.
    test_world w(2);
    w.options.max_cgrps = 3;
    w.config.tick_offset = {0ns, 100us};
    const cgroup_id old = w.add_cgroup("old");
    const cgroup_id hogs = w.add_cgroup("hogs");
    const cgroup_id heir = w.add_cgroup("heir");
    w.work.cgroups[old.value].remove_at = sim_time{2ms};
    w.work.cgroups[heir.value].create_at = sim_time{5ms};
    w.add_hog(hogs, {.at = 1us, .cpu = cpu0});
    w.add_hog(hogs, {.at = 2us, .cpu = cpu1});
    const pid moved = w.add_task(old, {run(1ms), exit_task()}, {.at = 10us, .cpu = cpu0});
    const pid starved = w.add_task(heir, {run(1ms), exit_task()}, {.at = 6ms, .cpu = cpu0});
    w.add_outside({sim_time{1ms}, cpu1, phase::op::move, moved.value, hogs.value});
    w.run_to(7ms);
    CHECK(w.maps().q_idx(heir) == 1);
    CHECK(w.maps().len(1) == 2);
    CHECK(w.trace().count(record_kind::top_q_push, {.from = sim_time{6ms}, .to = sim_time{7ms}}) == 0);
    CHECK(w.task(starved).ops == ops_state::queued);
}

// ---- limits -------------------------------------------------------------------------------------------------------

TEST_CASE("a cgroup's FIFO that overflows ends the scheduler", "[pair_enqueue]")
{
    test_world w(2);
    w.options.max_queued = 3;
    const cgroup_id c1 = w.add_cgroup("C1");
    const int nr_tasks = GENERATE(5, 6); // two of them run
    for (int n = 0; n < nr_tasks; ++n) {
        w.add_hog(c1, {.at = n * 1us});
    }
    w.run_to(1ms);
    if (nr_tasks == 5) {
        CHECK(w.sim().exit().kind == exit_kind::none);
        CHECK(w.maps().len(1) == 3);
        return;
    }
    CHECK(w.sim().exit().kind == exit_kind::error_bpf);
    CHECK(w.sched().error_text(w.sim().exit()) == "cgroup[2] queue overflow");
    CHECK(w.maps().nr_elements(1) == 3);
    CHECK(w.maps().len(1) == 3);
}

TEST_CASE("a top_q that overflows ends the scheduler", "[pair_enqueue]")
{
    test_world w(2);
    w.options.max_cgrps = 2; // room for eight
    const cgroup_id c1 = w.add_cgroup("C1");
    for (int n = 0; n < 3; ++n) { // each switch makes the length 1 -> 0 -> 1
        w.add_hog(c1, {.at = n * 1us});
    }
    w.run_to(20s);
    CHECK(w.sim().exit().kind == exit_kind::error_bpf);
    CHECK(w.sched().error_text(w.sim().exit()) == "top_q overflow");
    CHECK(w.maps().nr_top() == 8);
}
