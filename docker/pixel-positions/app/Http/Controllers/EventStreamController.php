<?php

namespace App\Http\Controllers;

use App\Models\Position;
use Illuminate\Http\Request;

/**
 * The board's ticker as server-sent events.
 *
 * First come the latest `count` jobs, oldest first, one every `interval`
 * milliseconds; then, for `follow` seconds, whatever is posted meanwhile. The
 * stream always ends, because it occupies a PHP process as long as it lasts.
 */
class EventStreamController extends Controller
{
    public function __invoke(Request $request)
    {
        $count = $this->bounded($request, 'count', 8, 0, 200);
        $interval = $this->bounded($request, 'interval', 1000, 0, 5000);
        $follow = $this->bounded($request, 'follow', 0, 0, 120);
        $after = (int) $request->header('Last-Event-ID', '0');

        return response()->stream(function () use ($count, $interval, $follow, $after): void {
            set_time_limit(0);

            $this->send("retry: 5000\n\n");
            $last = $this->replay($count, $interval, $after);
            $this->follow($follow, max(200, $interval), $last);
            $this->send("event: done\ndata: {}\n\n");
        }, 200, [
            'Content-Type' => 'text/event-stream; charset=UTF-8',
            'Cache-Control' => 'no-cache, no-store',
            'X-Accel-Buffering' => 'no',
        ]);
    }

    /** Returns the id of the last job sent. */
    private function replay(int $count, int $interval, int $after): int
    {
        $positions = Position::with('employer:id,name,slug,logo')
            ->where('id', '>', $after)
            ->latest()->latest('id')
            ->limit($count)
            ->get()
            ->reverse();

        foreach ($positions as $position) {
            $this->announce($position);
            usleep($interval * 1000);
        }

        return max($after, (int) Position::max('id'));
    }

    private function follow(int $seconds, int $interval, int $last): void
    {
        $end = microtime(true) + $seconds;

        while (microtime(true) < $end && ! connection_aborted()) {
            $fresh = Position::with('employer:id,name,slug,logo')->where('id', '>', $last)->oldest('id')->get();

            foreach ($fresh as $position) {
                $this->announce($position);
                $last = $position->id;
            }

            // The comment keeps proxies awake and shows us a client that left.
            $this->send(": waiting\n\n");
            usleep($interval * 1000);
        }
    }

    private function announce(Position $position): void
    {
        $data = json_encode([
            'id' => $position->id,
            'title' => $position->title,
            'employer' => $position->employer->name,
            'logo' => $position->employer->logoUrl(),
            'location' => $position->location,
            'salary' => $position->salaryLabel(),
            'age' => $position->ageLabel(),
            'url' => route('positions.show', $position, false),
        ], JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);

        $this->send("id: {$position->id}\nevent: position\ndata: {$data}\n\n");
    }

    private function send(string $chunk): void
    {
        echo $chunk;

        while (ob_get_level() > 0) {
            ob_end_flush();
        }

        flush();
    }

    private function bounded(Request $request, string $name, int $default, int $low, int $high): int
    {
        $value = $request->query($name);

        return is_string($value) && is_numeric($value) ? min($high, max($low, (int) $value)) : $default;
    }
}
