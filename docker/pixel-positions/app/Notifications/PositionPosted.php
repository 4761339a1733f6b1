<?php

namespace App\Notifications;

use App\Models\Position;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Notifications\Notification;

/** Tells the author, once the queue has worked, that a job is on the board. */
class PositionPosted extends Notification implements ShouldQueue
{
    use Queueable;

    private Position $position;

    public function __construct(Position $position)
    {
        $this->position = $position->withoutRelations();
    }

    public function via($notifiable): array
    {
        return ['database'];
    }

    public function toArray($notifiable): array
    {
        return [
            'position' => $this->position->id,
            'title' => $this->position->title,
            'url' => route('positions.show', $this->position, false),
            'message' => 'Your job is live on the board.',
        ];
    }
}
