// Stopping a kernel before it is done.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <thread>

namespace segcore {

// Thrown by a kernel that is stopped. What it has made is then freed; memory that it writes to for
// its caller keeps what was written.
struct Interrupted final : std::exception {
    const char* what() const noexcept override { return "interrupted"; }
};

// The number of polls between two readings of the clock. Polls are at most milliseconds apart.
constexpr int kPollsPerLook = 64;
inline thread_local int polls_before_look = kPollsPerLook;

// Asks at intervals, on the thread that made it, whether its kernel is to stop; the other threads
// of the kernel stop as soon as they see that it is.
class Interrupt {
   public:
    // `pause`: the shortest time between two questions, as an answer may take a while.
    explicit Interrupt(std::chrono::milliseconds pause = std::chrono::milliseconds(50))
        : pause_(pause) {}
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    // Throws Interrupted if the kernel is to stop.
    void poll() {
        if (--polls_before_look < 0) look();
    }
    void look();

   protected:
    ~Interrupt() = default;

   private:
    virtual bool is_wanted() = 0;  // not asked again once it has returned true

    using Clock = std::chrono::steady_clock;

    const std::chrono::milliseconds pause_;
    const std::thread::id caller_ = std::this_thread::get_id();
    Clock::time_point asked_{};  // or first looked
    std::atomic<bool> seen_{false};
};

}  // namespace segcore
