// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace pairsim {

void for_each_in_parallel(std::size_t nr, const std::function<void(std::size_t)>& piece, unsigned threads)
{
    std::vector<std::exception_ptr> thrown(nr);
    std::atomic<bool> failed = false;
    const std::size_t wanted = threads != 0 ? threads : std::thread::hardware_concurrency();
    boost::asio::thread_pool pool(std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(nr, 1)));
    for (std::size_t i = 0; i < nr; ++i) {
        boost::asio::post(pool, [&, i] {
            try {
                if (!failed) {
                    piece(i);
                }
            } catch (...) {
                thrown[i] = std::current_exception();
                failed = true;
            }
        });
    }
    pool.join();
    for (const std::exception_ptr& e : thrown) {
        if (e) {
            std::rethrow_exception(e);
        }
    }
}

} // namespace pairsim
