<?php

namespace App\Http\Controllers;

use Illuminate\Support\Facades\Storage;

/**
 * Private files, for those who are logged in.
 *
 * PHP only decides; the web server sends the bytes, told where they are by
 * X-Accel-Redirect into a location nobody can request from outside.
 */
class DownloadController extends Controller
{
    private const FILES = [
        'salary-guide.csv' => [
            'type' => 'text/csv; charset=UTF-8',
            'title' => 'Salary guide',
            'about' => 'Median pay for thirty roles in eight countries, one row each.',
        ],
        'resume-template.pdf' => [
            'type' => 'application/pdf',
            'title' => 'Résumé template',
            'about' => 'One page, plain structure, printable, with notes on what to leave out.',
        ],
        'market-data.csv' => [
            'type' => 'text/csv; charset=UTF-8',
            'title' => 'Market data',
            'about' => 'Every figure behind the guide: a few megabytes for your own spreadsheet.',
        ],
    ];

    public function index()
    {
        $disk = Storage::disk('private');

        return view('downloads', [
            'files' => collect(self::FILES)->map(fn (array $file, string $name): array => $file + [
                'name' => $name,
                'bytes' => $disk->exists($name) ? $disk->size($name) : 0,
            ]),
        ]);
    }

    public function show(string $file)
    {
        abort_unless(isset(self::FILES[$file]) && Storage::disk('private')->exists($file), 404);

        $headers = ['Content-Type' => self::FILES[$file]['type']];
        $prefix = (string) config('pixel.accel_prefix');

        if ($prefix === '') {
            return response()->download(Storage::disk('private')->path($file), $file, $headers)->setPrivate();
        }

        return response('', 200, $headers + [
            'Content-Disposition' => 'attachment; filename="'.$file.'"',
            'X-Accel-Redirect' => rtrim($prefix, '/').'/'.$file,
            'Cache-Control' => 'private, no-store',
        ]);
    }
}
