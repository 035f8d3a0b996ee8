#include "interrupt.hpp"

namespace segcore {

void Interrupt::look() {
    polls_before_look = kPollsPerLook;
    if (!seen_.load(std::memory_order_relaxed) && std::this_thread::get_id() == caller_) {
        const Clock::time_point now = Clock::now();
        if (asked_ == Clock::time_point{}) asked_ = now;
        if (now - asked_ >= pause_) {
            if (is_wanted()) seen_.store(true, std::memory_order_relaxed);
            asked_ = Clock::now();
        }
    }
    if (seen_.load(std::memory_order_relaxed)) throw Interrupted();
}

}  // namespace segcore
