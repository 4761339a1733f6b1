<?php

namespace App\Console\Commands;

use App\Models\Employer;
use App\Support\ClassMap;
use App\Support\PrivateFiles;
use Illuminate\Console\Command;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Storage;

/** The part of bin/prepare that needs the framework; safe to repeat. */
class PrepareCommand extends Command
{
    protected $signature = 'pixel:prepare';

    protected $description = 'Migrate, seed an empty board, write the private files and the class table';

    public function handle(): int
    {
        if (DB::getDriverName() === 'sqlite') {
            // Readers and the queue worker stop waiting for each other.
            DB::statement('pragma journal_mode = wal');
        }

        $this->call('migrate', ['--force' => true]);

        if (Employer::count() === 0) {
            $this->call('db:seed', ['--force' => true]);
        }

        PrivateFiles::writeMissing(Storage::disk('private'), resource_path('private'));
        ClassMap::write();

        return 0;
    }
}
