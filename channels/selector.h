// selector: a select whose cases come and go while the program runs, for as many rounds as wanted.
//
// Thread-safety: none; one actor or thread uses a selector at a time.
//
// Takes the cases of select.h. The sources must outlive their cases (a receiver may move meanwhile, its channel must
// not go). A round looks at all cases without their locks, and what that look found ready is served, in random order,
// before the next look, so that each ready case has its turn; with several classes every round looks. A round that has
// to wait registers with all of them.
//
// A case of on_send or after goes once, and has left the selector when its body runs. All others stay until remove():
// a closed channel is ready for ever, so remove its case when the body gets nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weir/channels/internal/select_case.h"
#include "weir/channels/select.h"
#include "weir/runtime/base/site.h"

namespace weir {

class selector {
 public:
  // Names a case; never given again by the same selector.
  enum class id : std::uint64_t { none };

  selector();
  selector(const selector&) = delete;
  selector& operator=(const selector&) = delete;
  ~selector();

  // Puts a case in: `s.add(weir::on_recv(rx, body).priority(1))`. The body returns nothing; it may add, remove and
  // switch cases, also its own, but not select() here. An rvalue operand of on_send is taken now. An otherwise can be
  // added too, one. Allocates. Throws misuse.
  template <class Case>
  id add(Case c, site where = site::current()) {
    static_assert(std::is_void_v<internal::body_result<Case>>,
                  "weir::selector: the body of a case returns nothing; select() returns which case it was");
    if constexpr (internal::is_otherwise<Case>) {
      return add_otherwise(std::make_unique<entry_of<Case>>(std::move(c)), where);
    } else if constexpr (requires { std::move(c).owned(); }) {
      using owned = decltype(std::move(c).owned());
      return add_entry(std::make_unique<entry_of<owned>>(std::move(c).owned()));
    } else {
      return add_entry(std::make_unique<entry_of<Case>>(std::move(c)));
    }
  }
  // False: it is not in here (any more).
  bool remove(id which) noexcept;
  // Switches a case on or off. Throws misuse if it is not in here.
  void when(id which, bool condition, site where = site::current());
  bool contains(id which) const noexcept;
  // How many cases there are, the disabled ones and an otherwise included.
  std::size_t size() const noexcept;

  // Parks until one case can go, does it, runs its body and returns its id; with an otherwise it never parks. A cancel
  // throws weir::cancelled; while the actor unwinds it runs the otherwise, else one channel case as closed. Allocates
  // only after cases were added. Throws misuse if no case is enabled and there is no otherwise, or inside a body.
  id select(site where = site::current());

 private:
  struct entry {
    virtual ~entry() = default;
    virtual internal::select_case* source() noexcept = 0;
    virtual void run() = 0;
    id name = id::none;
    bool once = false;
  };
  template <class Case>
  struct entry_of final : entry {
    explicit entry_of(Case c) : mine(std::move(c)) {
      this->once = requires { Case::goes_once; };
    }
    internal::select_case* source() noexcept override {
      if constexpr (internal::is_otherwise<Case>)
        return nullptr;
      else
        return &mine;
    }
    void run() override { mine.run(); }
    Case mine;
  };

  id add_entry(std::unique_ptr<entry> e);
  id add_otherwise(std::unique_ptr<entry> e, site where);
  std::unique_ptr<entry> take(std::size_t place) noexcept;
  void changed() noexcept;
  int hopeful() noexcept;
  void run(entry* e);

  std::uint64_t last_id_ = 0;
  std::unordered_map<id, std::size_t> places_;  // in entries_
  std::vector<std::unique_ptr<entry>> entries_;
  std::vector<internal::select_case*> sources_;  // of entries_, in the same order
  std::unique_ptr<entry> otherwise_;
  // Room for select_one, made before the round that needs it.
  std::vector<std::byte> nodes_;
  std::vector<int> order_;
  int left_ = 0;  // order_[0 .. left_): what may be ready and was not tried yet since the last look
  bool classes_ = false;
  entry* running_ = nullptr;     // its body runs
  std::unique_ptr<entry> gone_;  // running_, if it was removed meanwhile
};

}  // namespace weir
