// Stopping a kernel before it is done.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <thread>

namespace segcore {

// What a kernel that is stopped throws. What it has made is then freed; memory that it writes to
// for its caller keeps what was written.
struct Interrupted final : std::exception {
    const char* what() const noexcept override { return "interrupted"; }
};

// Work, in nanoseconds, after which a thread looks whether it is to stop. Estimates are rough, so
// this is far less than the pause between two questions.
constexpr int64_t kWorkPerLook = 200'000;
inline thread_local int64_t work_before_look = kWorkPerLook;

// Asks now and then, on the thread that made it, whether its kernel is to stop; the other threads
// of the kernel stop as soon as they see that it is.
class Interrupt {
   public:
    // Between two questions lies at least a pause: to answer one may take a while.
    explicit Interrupt(std::chrono::milliseconds pause = std::chrono::milliseconds(50))
        : pause_(pause) {}
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    // Tell of so many nanoseconds of work, done or to be done next. It costs next to nothing.
    void poll(int64_t work) {
        work_before_look -= work;
        if (work_before_look < 0) look();
    }
    // Throws Interrupted where the kernel is to stop.
    void look();

   protected:
    ~Interrupt() = default;

   private:
    virtual bool is_wanted() = 0;  // after it has said yes, it is not asked again

    using Clock = std::chrono::steady_clock;

    const std::chrono::milliseconds pause_;
    const std::thread::id caller_ = std::this_thread::get_id();
    Clock::time_point asked_{};  // or first looked: short calls do not even read the clock
    std::atomic<bool> seen_{false};
};

}  // namespace segcore
